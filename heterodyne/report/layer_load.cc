#include "heterodyne/report/layer_load.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "heterodyne/base/text.h"
#include "heterodyne/report/lives.h"

namespace heterodyne {
namespace {

// The latest counts of the experts that are still there.
ReportedLoad latest(const LoadHistory& history, const LayerLives& lives) {
  ReportedLoad load{history.layer, {}, {history.layer, {}, 0, 0, 0}, "training"};
  if (history.step_T.empty()) return load;
  load.source = "training, steps up to " + with_commas(history.step_T.back());
  const size_t E = history.id_E.size(), first = (history.step_T.size() - 1) * E;
  for (size_t e = 0; e < E; ++e) {
    if (!lives.is_alive(history.id_E[e])) continue;
    load.experts.push_back({history.id_E[e], "", "", 0, 0});
    load.counts.count_E.push_back(history.count_TE[first + e]);
  }
  return load;
}

}  // namespace

double ReportedLoad::share(size_t expert) const {
  const auto sum = static_cast<double>(counts.num_assignments());
  return sum > 0 ? static_cast<double>(counts.count_E[expert]) / sum : 0;
}

std::string profile_source(const RoutingProfile& profile) {
  const Value* split = profile.about.find("split");
  const std::string* name = split ? split->if_text() : nullptr;
  return name ? "the " + *name + " split" : "one pass of a data set";
}

std::vector<ReportedLoad> layer_loads(const ReportInput& input) {
  std::vector<ReportedLoad> loads;
  if (input.run.routing) {
    const std::string source = profile_source(*input.run.routing);
    for (const LayerProfile& layer : input.run.routing->layers) {
      loads.push_back({layer.counts.layer, layer.experts, layer.counts, source});
    }
    return loads;
  }
  for (const LayerLives& lives : layer_lives(input)) {
    for (const LoadHistory& history : input.loads) {
      if (history.layer == lives.layer) loads.push_back(latest(history, lives));
    }
  }
  return loads;
}

size_t worst_layer(const std::vector<ReportedLoad>& loads) {
  size_t worst = 0;
  double violation = -1;
  for (size_t l = 0; l < loads.size(); ++l) {
    const double here = loads[l].balance().max_violation;
    if (here > violation) std::tie(worst, violation) = std::tuple(l, here);
  }
  return worst;
}

Choice layer_choice(const std::vector<LayerProfile>& layers) {
  Choice choice{"layer", {}, 0};
  std::vector<ReportedLoad> loads;
  for (const LayerProfile& layer : layers) {
    choice.options.push_back(layer.counts.layer);
    loads.push_back({layer.counts.layer, {}, layer.counts, ""});
  }
  choice.chosen = worst_layer(loads);
  return choice;
}

std::string expert_label(const ExpertFacts& expert) {
  const std::string id = std::to_string(expert.id);
  return expert.name.empty() ? id : id + " " + expert.name;
}

std::vector<std::string> expert_labels(const std::vector<ExpertFacts>& experts) {
  std::vector<std::string> labels;
  for (const ExpertFacts& expert : experts) labels.push_back(expert_label(expert));
  return labels;
}

std::vector<size_t> by_kind_and_size(const std::vector<ExpertFacts>& experts) {
  std::vector<size_t> order(experts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto key = [&](size_t e) { return std::tie(experts[e].kind, experts[e].params, experts[e].id); };
    return key(a) < key(b);
  });
  return order;
}

}  // namespace heterodyne
