#include "cli/view/report_data.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/view/class_view.h"
#include "cli/view/modality_view.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

Array texts(const std::vector<std::string>& values) { return {values.begin(), values.end()}; }

Value number_or_null(double value) { return std::isfinite(value) ? Value(value) : Value(); }

Table expert_table(const LayerProfile& layer, const ClassView& view, size_t e) {
  const ExpertFacts& expert = layer.experts[e];
  const double share = load_share(layer, e);
  Table table{{"id", expert.id},
              {"name", expert.name},
              {"kind", expert.kind},
              {"params", expert.params},
              {"macs", expert.macs},
              {"assignments", layer.counts.count_E[e]},
              {"share", share},
              {"of_fair", share * static_cast<double>(layer.num_experts())},
              {"above_chance", texts(view.names_above(e))}};
  if (layer.knock_out) {
    table.set("knock_out_loss", number_or_null(layer.knock_out->loss_change_E[e]));
    table.set("knock_out_accuracy", number_or_null(layer.knock_out->accuracy_change_E[e]));
  }
  return table;
}

Table layer_table(const LayerProfile& layer) {
  const ClassView view(layer);
  const Balance balance = balance_of(layer.counts.count_E);
  Table table{{"layer", layer.counts.layer},
              {"tokens", layer.counts.num_tokens},
              {"assignments", layer.counts.num_assignments()},
              {"mean_k", layer.counts.mean_k()},
              {"cv", balance.cv},
              {"entropy", balance.entropy},
              {"effective", balance.effective},
              {"max_violation", balance.max_violation},
              {"gini", balance.gini},
              {"dead", balance.num_dead},
              {"unrouted", layer.counts.num_unrouted},
              {"dropped", layer.counts.num_dropped}};
  if (view.classes) {
    table.set("nmi", view.information.normalized());
    table.set("mutual_information", view.information.mutual);
    if (view.chance) {
      table.set("nmi_chance",
                Array{view.information.normalize(view.chance->low), view.information.normalize(view.chance->high)});
      table.set("is_beyond_chance", view.is_beyond_chance);
    }
  }
  const ModalityView modality(layer);
  if (modality.modalities) table.set("modality", modality.table());
  if (layer.confidence) {
    table.set("router_entropy", layer.confidence->mean_entropy());
    table.set("router_margin", layer.confidence->mean_margin());
  }
  Array experts;
  for (size_t e = 0; e < layer.experts.size(); ++e) experts.emplace_back(expert_table(layer, view, e));
  table.set("experts", std::move(experts));
  if (!layer.similarity) return table;
  Array rows;
  for (size_t i = 0; i < layer.experts.size(); ++i) {
    Array row;
    for (size_t j = 0; j < layer.experts.size(); ++j)
      row.push_back(number_or_null(layer.similarity->cka_EE[i * layer.experts.size() + j]));
    rows.emplace_back(std::move(row));
  }
  table.set("cka", std::move(rows));
  return table;
}

}  // namespace

Rows routing_rows(const RoutingProfile& profile) {
  Rows rows{{"layer", "id", "name", "kind", "params", "macs", "assignments", "share", "of_fair", "above_chance"}, {}};
  for (const auto& layer : profile.layers) {
    const ClassView view(layer);
    for (size_t e = 0; e < layer.experts.size(); ++e) {
      auto& row = rows.rows.emplace_back();
      const Table table = expert_table(layer, view, e);
      row.emplace_back(layer.counts.layer);
      for (size_t i = 1; i + 1 < rows.columns.size(); ++i) row.push_back(*table.find(rows.columns[i]));
      row.emplace_back(join(view.names_above(e), " "));
    }
  }
  return rows;
}

Rows share_changes(const RoutingProfile& before, const RoutingProfile& after) {
  Rows rows{{"layer", "id", "name", "kind", "before %", "after %", "change"}, {}};
  struct Sides {
    const ExpertFacts* facts = nullptr;
    Value before, after;
  };
  for (const auto& then : before.layers) {
    const auto now = std::find_if(after.layers.begin(), after.layers.end(),
                                  [&](const LayerProfile& layer) { return layer.counts.layer == then.counts.layer; });
    if (now == after.layers.end()) continue;
    std::map<int64_t, Sides> experts;  // by id
    const auto add = [&](const LayerProfile& layer, Value Sides::* side) {
      for (size_t e = 0; e < layer.experts.size(); ++e) {
        Sides& expert = experts[layer.experts[e].id];
        expert.facts = &layer.experts[e];
        expert.*side = 100 * load_share(layer, e);
      }
    };
    add(then, &Sides::before);
    add(*now, &Sides::after);
    for (const auto& [id, expert] : experts) {
      const double* left = expert.before.if_real();
      const double* right = expert.after.if_real();
      rows.rows.push_back({then.counts.layer, id, expert.facts->name, expert.facts->kind, expert.before, expert.after,
                           left && right ? Value(*right - *left) : Value()});
    }
  }
  return rows;
}

Table routing_table(const RoutingProfile& profile) {
  Table table = profile.about;
  table.set("examples", profile.num_examples);
  table.set("loss", number_or_null(profile.loss));
  table.set("accuracy", profile.accuracy);
  table.set("macs", Table{{"routed", profile.cost.routed.macs},
                          {"executed", profile.cost.executed.macs},
                          {"all_experts", profile.dense_macs}});
  table.set("params", profile.cost.routed.params);
  const auto layers = [&](const std::vector<LayerProfile>& profiles) {
    Array all;
    for (const auto& layer : profiles) all.emplace_back(layer_table(layer));
    return all;
  };
  table.set("layers", layers(profile.layers));
  if (!profile.random_router.empty()) table.set("random_router", layers(profile.random_router));
  return table;
}

}  // namespace heterodyne::cli
