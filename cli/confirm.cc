#include "cli/confirm.h"

#include <unistd.h>

#include <iostream>

#include "heterodyne/base/error.h"

namespace heterodyne::cli {

bool confirm(Terminal& terminal, const std::string& question) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1)
    throw ConfigError(question + " There is no terminal to answer at; to go ahead: --yes");
  terminal.warn(question + " [y/N]");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace heterodyne::cli
