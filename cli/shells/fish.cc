// fish (fish-shell 3.6 documentation, "Writing your own completions").
#include <fmt/format.h>

#include <set>

#include "cli/shell.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

using cli::Candidates;
using cli::Completion;

// Inside single quotes fish reads \' and \\ alone as escapes.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// What follows `complete` for these values: -a with the words, -F with files.
std::string values_text(const Candidates& values) {
  std::string text = values.files ? " -F" : "";
  if (!values.words.empty()) text += " -a " + quoted(join(values.words, " "));
  if (!values.list.empty()) text += " -a \"$__heterodyne_" + values.list + "\"";
  return text;
}

std::string verb_lines(const cli::CompletedVerb& verb) {
  std::string text =
      fmt::format("complete -c heterodyne -n __heterodyne_at_verb -a {} -d {}\n", verb.name, quoted(verb.summary));
  for (const auto& [flag, values] : verb.flags) {
    const std::string letter = flag.letter().empty() ? "" : " -s " + flag.letter();
    const char* value = flag.is_switch() || flag.is_value_optional ? "" : values.files ? " -r" : " -x";
    text += fmt::format("complete -c heterodyne -n '__heterodyne_in {}'{} -l {}{}{} -d {}\n", verb.name, letter,
                        flag.spelled().substr(2), value, flag.is_switch() ? "" : values_text(values),
                        quoted(flag.sentence));
  }
  for (size_t i = 0; i < verb.arguments.size(); ++i) {
    const auto& [argument, values] = verb.arguments[i];
    const char* rest = argument.is_list() ? " rest" : "";
    const std::string offered = values_text(values);
    if (offered.empty()) continue;
    text += fmt::format("complete -c heterodyne -n '__heterodyne_at {} {}{}'{}\n", verb.name, i + 1, rest, offered);
  }
  return text;
}

std::string fish_valued_flags(const Completion& completion) {
  std::set<std::string> names;
  for (const auto& verb : completion.verbs) {
    for (const auto& [flag, values] : verb.flags) {
      if (!flag.is_switch()) names.insert(flag.spelled());
    }
  }
  return join({names.begin(), names.end()}, " ");
}

constexpr const char* kFishScript =
    R"fish(# Completes command lines of heterodyne in fish. Written by: heterodyne completion fish
{lists}set -g __heterodyne_valued {valued}

function __heterodyne_at_verb
    test (count (commandline -opc)) -eq 1
end

function __heterodyne_in --argument-names verb
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $verb
end

# Whether the next argument of the verb is that one, or with a third word that one or a later one.
function __heterodyne_at --argument-names verb place rest
    __heterodyne_in $verb; or return 1
    set -l position 1
    set -l waits no
    for word in (commandline -opc)[3..]
        if string match -q -- '-*' $word
            set waits no
            contains -- $word $__heterodyne_valued; and set waits yes
        else if test $waits = yes
            set waits no
        else
            set position (math $position + 1)
        end
    end
    test $waits = no; or return 1
    test $position -eq $place; and return 0
    test -n "$rest"; and test $position -gt $place
end

complete -c heterodyne -f
{verbs})fish";

std::string fish_script(const Completion& completion) {
  std::string lists, verbs;
  for (const auto& [name, words] : completion.lists) {
    const char* ending = name == cli::kSettingsList ? "=" : "";
    lists += fmt::format("set -g __heterodyne_{} '{}{}'\n", name, join(words, std::string(ending) + " "), ending);
  }
  for (const auto& verb : completion.verbs) verbs += verb_lines(verb);
  if (verbs.ends_with('\n')) verbs.pop_back();
  return fmt::format(kFishScript, fmt::arg("lists", lists), fmt::arg("valued", fish_valued_flags(completion)),
                     fmt::arg("verbs", verbs));
}

}  // namespace

ShellKind shell_kind_fish() { return {"fish 3 or newer", {}, fish_script}; }

}  // namespace heterodyne
