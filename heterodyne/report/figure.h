// Figure: how panels put the views of a figure together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/panel.h"

namespace heterodyne {

/// A figure with a view for each combination of the switches' options: `make` gets one index for each of `choices`.
/// A switch with a single option is none: it is left out.
Figure figure_of(std::string title, const std::vector<Choice>& choices,
                 const std::function<View(const std::vector<size_t>&)>& make);

/// Draws the view that the figure's switches open with, for pages without scripts. One picture a figure keeps the page
/// small.
void draw_opening_view(Figure& figure);

/// The values of a heatmap as a table: of its shape, or, when it has more than 400 cells, the 40 farthest from `even`,
/// the farthest first. `corner` names the rows.
Rows heatmap_table(const Heatmap& map, const std::string& corner, double even);

/// A figure that is its table alone.
Figure table_figure(std::string title, std::string reading, Rows table);

/// A panel without figures that names the command which records what is missing:
/// "WHAT was not recorded. heterodyne route RUN FLAGS records it."
/// What `heterodyne route` is given to measure the record's model: the run, or the model that a file of routing
/// statistics is of; as a shell reads it.
std::string model_of(const RunRecord& run);
Panel not_recorded(std::string title, const std::string& what, const ReportInput& input, const std::string& flags = "");

/// How many points each of the `num_lines` lines of a figure may have, so that the page stays small: 500 where there
/// are few.
size_t points_per_line(size_t num_lines);

}  // namespace heterodyne
