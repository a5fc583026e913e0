#include "cli/command.h"

namespace heterodyne {

CommandRegistry empty_commands() { return CommandRegistry("command"); }

}  // namespace heterodyne
