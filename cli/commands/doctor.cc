// heterodyne doctor: looks at the machine and the folders, one line for each finding with what to do about it.
#include <fmt/format.h>

#include "cli/check.h"
#include "cli/command.h"
#include "cli/output.h"

namespace heterodyne {
namespace {

constexpr int kToFix = 4;

struct DoctorFlags {
  cli::FormatFlag format;
  void visit(Fields& field) { format.visit(field); }
};

int run_doctor(const DoctorFlags& options, const cli::Invocation& invocation) {
  cli::Rows rows{{"state", "check", "finding", "fix"}, {}};
  int code = 0;
  for (const auto& name : checks().names()) {
    for (const auto& [health, text, fix] : cli::run_check(checks().find(name), invocation.environment)) {
      rows.rows.push_back({health_name(health), name, text, fix});
      if (health == Health::kFix) code = kToFix;
      if (options.format.format == "table")
        invocation.terminal.print(
            fmt::format("{:<4}  {}{}", health_name(health), text, fix.empty() ? "" : " -> " + fix));
    }
  }
  if (options.format.format != "table") cli::print_rows(invocation.terminal, rows, options.format.format);
  return code;
}

}  // namespace

CommandKind command_kind_doctor() {
  return command_kind<DoctorFlags>("look for what is wrong with this machine and these folders",
                                   "heterodyne doctor\nheterodyne doctor --format json", run_doctor);
}

}  // namespace heterodyne
