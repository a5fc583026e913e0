// Parse: a command line to a verb and its flags. Names, types, ranges and sentences come from the commands' visit().
#pragma once

#include <string>
#include <vector>

#include "cli/recipe_flags.h"
#include "heterodyne/base/table.h"

namespace heterodyne::cli {

struct ParsedLine {
  std::string verb;  // empty when the line was answered here: --help, --version
  Table flags;       // untyped text; read_options() gives it types
  std::string answer;
  std::vector<UsedFlag> used = {};  // flags of the configuration
};

/// `arguments` without the program's name. Throws ConfigError: an unknown verb or flag (with the nearest), a missing
/// value, too many arguments.
ParsedLine parse_line(const std::vector<std::string>& arguments);

/// The help page of a verb, or of the program when it is empty. Throws ConfigError for an unknown verb.
std::string help_text(const std::string& verb);

}  // namespace heterodyne::cli
