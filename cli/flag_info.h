// FlagInfo: one flag or positional argument of a command, as its visit() describes it. The parser of command lines,
// the scripts of `heterodyne completion` and the tests over all commands are made from these.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/fields.h"

namespace heterodyne::cli {

struct FlagInfo {
  std::string name;  // of the setting: "no_progress"
  std::string type;  // "switch", "text", "list of text", "whole number" or "number"
  std::string sentence;
  std::string range;                 // as Rules::range()
  std::vector<std::string> choices;  // all values there are; empty: any
  bool is_positional = false;
  bool is_value_optional = false;
  bool is_required = false;

  bool is_switch() const { return type == "switch"; }
  bool is_list() const { return type == "list of text"; }
  /// How it is written: "--no-progress", or "config" when it is positional.
  std::string spelled() const;
  /// The letter that stands for it, as in "-v", or nothing.
  std::string letter() const { return name == "verbose" ? "v" : name == "prompt" ? "p" : ""; }
};

/// In the order of visit(); those of nested structs stand where the struct does.
std::vector<FlagInfo> flags_of(const Schema& schema);

}  // namespace heterodyne::cli
