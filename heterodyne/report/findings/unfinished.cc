// Unfinished: the run failed, was interrupted, was lost or still goes on. A run that calls itself running and has shown
// no sign of life for a minute is lost.
#include <fmt/format.h>

#include "heterodyne/base/text.h"
#include "heterodyne/report/finding.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr int64_t kLostAfter = 60;  // seconds

std::vector<Finding> find_unfinished(const ReportInput& input) {
  const RunRecord& run = input.run;
  const std::string step = with_commas(last_step(run));
  const std::string resume = "Continue with: heterodyne train --resume " + shell_word(run.path);
  const auto found = [](Severity severity, const std::string& text) {
    return std::vector<Finding>{{severity, text, "training"}};
  };
  if (run.state == "failed") {
    return found(Severity::kRed,
                 fmt::format("The run failed; its last line is of step {}. log.txt says why. {}", step, resume));
  }
  if (run.state == "interrupted") {
    return found(Severity::kAmber,
                 fmt::format("The run was interrupted; its last line is of step {}. {}", step, resume));
  }
  if (run.state != "running") return {};
  const int64_t silent = input.now - run.heartbeat;
  if (input.now > 0 && run.heartbeat > 0 && silent > kLostAfter) {
    return found(Severity::kRed,
                 fmt::format("The run is lost: it has shown no sign of life for {} and its last line is of step {}. {}",
                             counted(silent, "second"), step, resume));
  }
  return found(Severity::kGrey, fmt::format("The run goes on: this is what it had written by step {}.", step));
}

}  // namespace

FindingKind finding_kind_unfinished() {
  return {"a run that failed, was interrupted or lost, or still goes on", find_unfinished, {}};
}

}  // namespace heterodyne
