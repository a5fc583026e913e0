// Confirm: a question before something that cannot be taken back.
#pragma once

#include <string>

#include "cli/terminal.h"

namespace heterodyne::cli {

/// Asks and reads the answer when a person sits at the terminal; anything but y or yes is no. Without a terminal it
/// throws ConfigError, which says that --yes is needed.
bool confirm(Terminal& terminal, const std::string& question);

}  // namespace heterodyne::cli
