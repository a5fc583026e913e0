// Comparison page: groups of runs side by side as a report, so that it can be shown as a page, as Markdown and as
// pictures: their outcomes, their paired differences, their curves over one another, and the settings they differ in.
#pragma once

#include <string>
#include <vector>

#include "cli/comparison.h"
#include "heterodyne/report/report.h"

namespace heterodyne::cli {

/// A group of runs with what each recorded.
struct ComparedGroup {
  OutcomeGroup outcomes;        // at least one
  std::vector<RunRecord> runs;  // in the same order
};

/// `warnings` become findings. Equal inputs give equal reports.
Report comparison_report(const std::vector<ComparedGroup>& groups, const std::vector<std::string>& warnings);

}  // namespace heterodyne::cli
