// zsh (The Z shell manual 5.9, chapter 20 "Completion System"). The verb's arguments are described to _arguments.
#include <fmt/format.h>

#include "cli/shell.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

using cli::Candidates;
using cli::CompletedFlag;
using cli::Completion;

// Text inside a specification of _arguments, where brackets and colons have a meaning.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string action(const Candidates& values) {
  if (!values.words.empty()) return "(" + join(values.words, " ") + ")";
  if (!values.list.empty()) return "_heterodyne_" + values.list + (values.files ? "_or_files" : "");
  return values.files ? "_files" : " ";
}

std::string flag_line(const CompletedFlag& completed) {
  const auto& [flag, values] = completed;
  const std::string sentence = "[" + escaped(flag.sentence) + "]";
  const std::string repeated = flag.is_list() ? "*" : "";
  std::string line = repeated + flag.spelled() + (flag.is_switch() || flag.is_value_optional ? "" : "=") + sentence;
  if (!flag.is_switch()) line += (flag.is_value_optional ? "::" : ":") + escaped(flag.name) + ":" + action(values);
  return "        " + cli::in_single_quotes(line);
}

std::string verb_case(const cli::CompletedVerb& verb) {
  std::vector<std::string> lines;
  for (const auto& flag : verb.flags) lines.push_back(flag_line(flag));
  for (size_t i = 0; i < verb.arguments.size(); ++i) {
    const auto& [argument, values] = verb.arguments[i];
    const std::string place = argument.is_list() ? "*" : std::to_string(i + 1);
    lines.push_back("        " + cli::in_single_quotes(place + ":" + escaped(argument.name) + ":" + action(values)));
  }
  return fmt::format("    {})\n      _arguments \\\n{} ;;\n", verb.name, join(lines, " \\\n"));
}

std::string list_functions(const Completion& completion) {
  std::string text;
  for (const auto& [name, words] : completion.lists) {
    const std::string all = join(words, " ");
    const char* suffix = name == cli::kSettingsList ? "-S = " : "";
    text += fmt::format("_heterodyne_{0}() {{ compadd {1}-- {2} }}\n", name, suffix, all);
    text += fmt::format("_heterodyne_{0}_or_files() {{ _heterodyne_{0}; _files }}\n", name);
  }
  return text;
}

constexpr const char* kZshScript = R"zsh(#compdef heterodyne
# Completes command lines of heterodyne in zsh. Written by: heterodyne completion zsh
{lists}
_heterodyne() {{
  local -a verbs=(
{verbs}  )
  if (( CURRENT == 2 )); then
    _describe command verbs
    return
  fi
  shift words  # _arguments takes the verb for the command
  (( CURRENT-- ))
  case $words[1] in
{cases}  esac
}}

if [[ $funcstack[1] == _heterodyne ]]; then
  _heterodyne "$@"
else
  compdef _heterodyne heterodyne
fi)zsh";

std::string zsh_script(const Completion& completion) {
  std::string verbs, cases;
  for (const auto& verb : completion.verbs) {
    verbs += "    " + cli::in_single_quotes(verb.name + ":" + verb.summary) + "\n";
    cases += verb_case(verb);
  }
  return fmt::format(kZshScript, fmt::arg("lists", list_functions(completion)), fmt::arg("verbs", verbs),
                     fmt::arg("cases", cases));
}

}  // namespace

ShellKind shell_kind_zsh() { return {"Z shell", {}, zsh_script}; }

}  // namespace heterodyne
