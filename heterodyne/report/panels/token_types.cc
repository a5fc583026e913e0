// Token types: which experts letters, digits, punctuation and spaces get, and tokens by frequency and position. Only
// for profiles of text.
#include "heterodyne/report/figure.h"
#include "heterodyne/report/group_figure.h"

namespace heterodyne {
namespace {

std::optional<Panel> make_token_types(const ReportInput& input) {
  if (!input.run.routing) return {};
  Panel panel{"Token types", {}, ""};
  const std::vector<std::pair<std::string, std::string>> groups = {{"token_type", "Token types"},
                                                                   {"token_symbol", "Symbols"},
                                                                   {"frequency_decile", "Frequency of the token"},
                                                                   {"position_decile", "Position"}};
  for (const auto& [name, title] : groups) {
    Figure figure = group_figure(*input.run.routing, name, title);
    if (!figure.views.empty()) panel.figures.push_back(std::move(figure));
  }
  if (panel.figures.empty()) return {};
  return panel;
}

}  // namespace

PanelKind panel_kind_token_types() {
  return {"which experts letters, digits, punctuation and spaces get", 60, make_token_types, {}};
}

}  // namespace heterodyne
