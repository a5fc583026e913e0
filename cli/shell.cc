#include "cli/shell.h"

namespace heterodyne {

ShellRegistry empty_shells() { return ShellRegistry("shell"); }

namespace cli {

std::string in_single_quotes(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

}  // namespace cli
}  // namespace heterodyne
