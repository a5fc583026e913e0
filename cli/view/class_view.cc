#include "cli/view/class_view.h"

#include <algorithm>

namespace heterodyne::cli {

ClassView::ClassView(const LayerProfile& layer) : classes(layer.group("class")) {
  if (!classes) return;
  table = {layer.num_experts(), static_cast<int64_t>(classes->labels.size()), classes->count_EG};
  information = information_of(table);
  chance = chance_band(layer.shuffled_information);
  is_beyond_chance = chance && chance->is_exceeded_by(information.mutual);
}

std::vector<std::string> ClassView::names_above(size_t expert) const {
  std::vector<std::string> names;
  if (!is_beyond_chance) return names;
  for (const int64_t y : classes_above_chance(table, static_cast<int64_t>(expert), *chance))
    names.push_back(classes->labels[static_cast<size_t>(y)]);
  return names;
}

double load_share(const LayerProfile& layer, size_t expert) {
  const auto all = static_cast<double>(std::max<int64_t>(layer.counts.num_assignments(), 1));
  return static_cast<double>(layer.counts.count_E[expert]) / all;
}

}  // namespace heterodyne::cli
