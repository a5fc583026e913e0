// bash (Ramey 2022, GNU Bash reference manual 5.2, section 8.6 "Programmable Completion").
//
// Readline hands the line over in words that also break at "=", so "--format=json" is three of them.
#include <fmt/format.h>

#include <set>

#include "cli/shell.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

using cli::Candidates;
using cli::Completion;

// Sets $words to the verb's flags.
std::string flag_cases(const Completion& completion) {
  std::string text;
  for (const auto& verb : completion.verbs) {
    std::vector<std::string> flags;
    for (const auto& [flag, values] : verb.flags) flags.push_back(flag.spelled());
    text += fmt::format("    {}) words='{}' ;;\n", verb.name, join(flags, " "));
  }
  return text;
}

std::string value_case(const std::string& pattern, const Candidates& values) {
  if (!values.files && values.list.empty() && values.words.empty()) return "";
  std::string actions;
  if (!values.words.empty()) actions += " words=" + cli::in_single_quotes(join(values.words, " "));
  if (!values.list.empty()) actions += " words=$_heterodyne_" + values.list;
  if (values.files) actions += " files=yes";
  return fmt::format("    {}){} ;;\n", pattern, actions);
}

// Sets $words and $files to what a flag of the verb takes, or the verb's n-th argument.
std::string value_cases(const Completion& completion) {
  std::string text;
  for (const auto& verb : completion.verbs) {
    for (const auto& [flag, values] : verb.flags)
      text += value_case(fmt::format("'{} {}'", verb.name, flag.spelled()), values);
    for (size_t i = 0; i < verb.arguments.size(); ++i) {
      const auto& [argument, values] = verb.arguments[i];
      text += value_case(
          argument.is_list() ? fmt::format("'{} '[0-9]*", verb.name) : fmt::format("'{} {}'", verb.name, i + 1),
          values);
    }
  }
  return text;
}

std::string lists(const Completion& completion) {
  std::string text;
  for (const auto& [name, words] : completion.lists)
    text += fmt::format("_heterodyne_{}={}\n", name, cli::in_single_quotes(join(words, " ")));
  return text;
}

// A pattern of every flag that a value follows. Flags of one name are of one type in all commands.
std::string bash_valued_flags(const Completion& completion) {
  std::set<std::string> names;
  for (const auto& verb : completion.verbs) {
    for (const auto& [flag, values] : verb.flags) {
      if (!flag.is_switch()) names.insert(flag.spelled());
    }
  }
  return join({names.begin(), names.end()}, " | ");
}

constexpr const char* kBashScript =
    R"bash(# Completes command lines of heterodyne in bash. Written by: heterodyne completion bash
{lists}
_heterodyne_flags() {{
  case $1 in
{flag_cases}  esac
}}

_heterodyne_values() {{
  case "$1 $2" in
{value_cases}  esac
}}

_heterodyne() {{
  local verb=${{COMP_WORDS[1]}} current=${{COMP_WORDS[COMP_CWORD]}} words='' files='' flag='' position=1 is_rest='' i word
  COMPREPLY=()
  for ((i = 2; i < COMP_CWORD; ++i)); do  # which flag waits for its value, and how many arguments there are
    word=${{COMP_WORDS[i]}}
    case $word in
      =) [[ $flag ]] || is_rest=yes ;;  # of a flag's value, or inside PATH=VALUE
      {valued_flags}) flag=$word ;;
      -*) flag='' ;;
      *)
        if [[ $flag || $is_rest ]]; then flag='' is_rest=''; else ((++position)); fi
        ;;
    esac
  done
  if [[ $current == = ]]; then
    [[ $flag ]] || is_rest=yes
    current=''
  fi

  if [[ $is_rest ]]; then
    :
  elif ((COMP_CWORD == 1)); then
    words="$_heterodyne_verbs --help --version"
  elif [[ $current == -* ]]; then
    _heterodyne_flags "$verb"
  elif [[ $flag ]]; then
    _heterodyne_values "$verb" "$flag"
  else
    _heterodyne_values "$verb" "$position"
  fi

  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ $files ]]; then
    mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
  if [[ ${{COMPREPLY[0]-}} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}}

complete -F _heterodyne heterodyne)bash";

std::string bash_script(const Completion& completion) {
  Completion spelled = completion;
  for (auto& [name, words] : spelled.lists) {
    if (name != cli::kSettingsList) continue;
    for (auto& word : words) word += '=';
  }
  return fmt::format(kBashScript, fmt::arg("lists", lists(spelled)), fmt::arg("flag_cases", flag_cases(spelled)),
                     fmt::arg("value_cases", value_cases(spelled)),
                     fmt::arg("valued_flags", bash_valued_flags(spelled)));
}

}  // namespace

ShellKind shell_kind_bash() { return {"GNU bash 4.4 or newer", {}, bash_script}; }

}  // namespace heterodyne
