// Panel: one section of the routing report: what it shows as values, before anybody draws it. Each kind is one file in
// panels/; the file's stem is its name and its anchor in the page.
//
// The page (page.h), the Markdown version and the static pictures are all made from these values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/rows.h"
#include "heterodyne/report/report_input.h"

namespace heterodyne {

/// A switch above a figure: "layer" with one option for each layer, "share" of tokens or of MACs.
struct Choice {
  std::string name;
  std::vector<std::string> options;
  size_t chosen = 0;  // shown first
};

/// What a figure shows for one setting of its switches.
struct View {
  std::vector<size_t> options;  // one for each switch: which of its options this is for
  std::string unit;             // "share of assignments, 0 .. 1"
  std::string count;            // "n = 320,000 assignments"
  std::string reading;          // what one sees, in one sentence
  Table chart;                  // see chart.h; empty: the table is all there is
  Rows table;                   // the same numbers
  std::string svg;              // the chart without scripts; empty where there is none
};

struct Figure {
  std::string title;
  std::vector<Choice> choices;
  std::vector<View> views;
};

struct Panel {
  std::string title;
  std::vector<Figure> figures;
  std::string absent;  // why there are no figures, and the command that records what is missing
};

struct PanelKind {
  std::string summary;
  int order = 0;  // in the page, from the top
  /// Nothing when the panel has no place in this report.
  std::function<std::optional<Panel>(const ReportInput&)> make;
  Schema schema;  // panels have no settings
};
using PanelRegistry = Registry<PanelKind>;

/// The built-in kinds.
const PanelRegistry& panels();
PanelRegistry empty_panels();

}  // namespace heterodyne
