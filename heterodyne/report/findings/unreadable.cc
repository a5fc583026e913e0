// Unreadable: parts of the run that could not be read, and so are missing here.
#include "heterodyne/report/finding.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostProblems = 5;

void add(const RunRecord& run, std::vector<Finding>& found) {
  for (size_t i = 0; i < run.problems.size(); ++i) {
    if (i == kMostProblems) {
      found.push_back(
          {Severity::kAmber,
           "There are " + counted(static_cast<int64_t>(run.problems.size() - i), "more problem") + " like this.",
           "provenance"});
      return;
    }
    found.push_back({Severity::kAmber, "Could not be read: " + run.problems[i], "provenance"});
  }
}

std::vector<Finding> find_unreadable(const ReportInput& input) {
  std::vector<Finding> found;
  add(input.run, found);
  if (input.before) add(*input.before, found);
  return found;
}

}  // namespace

FindingKind finding_kind_unreadable() { return {"parts of the run that could not be read", find_unreadable, {}}; }

}  // namespace heterodyne
