// heterodyne version: what this program is and what it was built with.
#include "heterodyne/base/version.h"

#include "cli/command.h"
#include "cli/output.h"

namespace heterodyne {
namespace {

struct VersionFlags {
  cli::FormatFlag format;
  void visit(Fields& field) { format.visit(field); }
};

int run_version(const VersionFlags& options, const cli::Invocation& invocation) {
  if (options.format.format == "table") {
    invocation.terminal.print(version_line());
    return 0;
  }
  cli::print_rows(invocation.terminal,
                  {{"version", "commit", "torch", "compiler"}, {{version(), commit(), torch_version(), compiler()}}},
                  options.format.format);
  return 0;
}

}  // namespace

CommandKind command_kind_version() {
  return command_kind<VersionFlags>("what this program is and was built with", "heterodyne version", run_version);
}

}  // namespace heterodyne
