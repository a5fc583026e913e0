// Class by expert: which experts the tokens of each class get; for images also of each patch row and column, for texts
// beside images of each word.
#include <algorithm>

#include "heterodyne/report/figure.h"
#include "heterodyne/report/group_figure.h"

namespace heterodyne {
namespace {

std::string title_of(const std::string& group) {
  if (group == "class") return "Classes";
  if (group == "patch_row") return "Patch rows";
  if (group == "word") return "Words of the text";
  return group == "patch_column" ? "Patch columns" : group;
}

std::optional<Panel> make_classes(const ReportInput& input) {
  const std::string title = "Classes and experts";
  if (!input.run.routing) return not_recorded(title, "The routing", input);
  const bool is_text = is_of_text(*input.run.routing);
  Panel panel{title, {}, ""};
  std::vector<std::string> names;
  for (const LayerProfile& layer : input.run.routing->layers) {
    for (const GroupCounts& groups : layer.groups) {
      const bool is_known = std::find(names.begin(), names.end(), groups.name) != names.end();
      // See the panels of modalities and of token types for others.
      const bool is_here = is_text ? groups.name == "class" : groups.name != "modality";
      if (!is_known && is_here) names.push_back(groups.name);
    }
  }
  for (const auto& name : names) {
    Figure figure = group_figure(*input.run.routing, name, title_of(name));
    if (!figure.views.empty()) panel.figures.push_back(std::move(figure));
  }
  if (panel.figures.empty() && is_text) return {};
  if (panel.figures.empty()) return not_recorded(title, "The use of experts by class", input);
  return panel;
}

}  // namespace

PanelKind panel_kind_classes() {
  return {"which experts the tokens of each class, patch row and patch column get", 40, make_classes, {}};
}

}  // namespace heterodyne
