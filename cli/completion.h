// Completion: what may stand at each place of a command line. The scripts of shell.h are written from it, and it from
// the commands' visit(), the families and the recipes, so none of them has a list of its own.
#pragma once

#include <string>
#include <vector>

#include "cli/flag_info.h"

namespace heterodyne::cli {

/// What an argument or the value of a flag may be.
struct Candidates {
  std::string list;                // the name of a list of Completion::lists, or nothing
  std::vector<std::string> words;  // choices that the flag itself has
  bool files = false;              // files and folders too
};

struct CompletedFlag {
  FlagInfo flag;
  Candidates values;
};

struct CompletedVerb {
  std::string name;
  std::string summary;
  std::vector<CompletedFlag> flags;
  std::vector<CompletedFlag> arguments;  // in order; the last may be a list and take all that follow
};

struct NamedList {
  std::string name;  // "recipes"
  std::vector<std::string> words;
};

struct Completion {
  std::vector<CompletedVerb> verbs;  // those of the list of verbs
  std::vector<NamedList> lists;
};

/// The list whose words are the beginnings of PATH=VALUE: no space follows them.
inline constexpr const char* kSettingsList = "settings";

/// For every command of the program.
Completion completion();

}  // namespace heterodyne::cli
