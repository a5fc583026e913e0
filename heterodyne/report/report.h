// Report: a run's findings and panels, made once and shown as a page, as Markdown, as pictures or as a table.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/report/finding.h"
#include "heterodyne/report/panel.h"

namespace heterodyne {

struct NamedPanel {
  std::string id;  // its kind
  Panel panel;
};

struct NamedFinding {
  std::string kind;
  Finding finding;
};

struct Report {
  std::string title;                    // the run's name
  Table about;                          // lines of the page's head: path, state, steps, ...
  std::vector<NamedFinding> findings;   // worst first
  std::vector<NamedPanel> panels;       // in their order
  std::string what = "routing report";  // what its page calls itself
};

/// Throws ConfigError when there is nothing at all to show.
Report make_report(const ReportInput& input);

}  // namespace heterodyne
