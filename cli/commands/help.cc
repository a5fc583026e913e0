// heterodyne help [VERB]: the same pages as --help.
#include "cli/command.h"
#include "cli/parse.h"

namespace heterodyne {
namespace {

struct HelpFlags {
  std::string verb;
  void visit(Fields& field) { field("verb", verb, "the command to explain; all of them when left out", positional()); }
};

int run_help(const HelpFlags& options, const cli::Invocation& invocation) {
  invocation.terminal.print(cli::help_text(options.verb));
  return 0;
}

}  // namespace

CommandKind command_kind_help() {
  return command_kind<HelpFlags>("explain a command", "heterodyne help\nheterodyne help train", run_help);
}

}  // namespace heterodyne
