// heterodyne help [VERB]: the same pages as --help.
#include "cli/command.h"
#include "cli/parse.h"

namespace heterodyne {
namespace {

struct Options {
  std::string verb;
  void visit(Fields& field) { field("verb", verb, "the command to explain; all of them when left out", positional()); }
};

int run(const Options& options, const cli::Invocation& invocation) {
  invocation.terminal.print(cli::help_text(options.verb));
  return 0;
}

}  // namespace

CommandKind command_kind_help() {
  return command_kind<Options>("explain a command", "heterodyne help\nheterodyne help train", run);
}

}  // namespace heterodyne
