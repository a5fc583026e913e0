// No specialisation: experts and classes say no more about one another than after shuffling the labels.
#include <fmt/format.h>

#include "heterodyne/report/finding.h"
#include "heterodyne/report/group_figure.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::vector<Finding> find_no_specialisation(const ReportInput& input) {
  std::vector<Finding> found;
  if (!input.run.routing) return found;
  for (const LayerProfile& layer : input.run.routing->layers) {
    const auto table = contingency_of(layer, "class");
    const auto band = chance_band(layer.shuffled_information);
    // With one expert or one class there is nothing to tell apart.
    if (!table || !band || table->num_experts < 2 || table->num_classes < 2) continue;
    const double mutual = information_of(*table).mutual;
    if (band->is_exceeded_by(mutual)) continue;
    found.push_back(
        {Severity::kAmber,
         fmt::format("{}: no specialisation by class: I = {} nats is not distinguishable from chance ({} .. "
                     "{} after {} shuffles of the labels).",
                     layer.counts.layer, number(mutual), number(band->low), number(band->high),
                     layer.shuffled_information.size()),
         "specialisation"});
  }
  return found;
}

}  // namespace

FindingKind finding_kind_no_specialisation() {
  return {"layers that use experts alike for every class", find_no_specialisation, {}};
}

}  // namespace heterodyne
