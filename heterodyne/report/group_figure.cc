#include "heterodyne/report/group_figure.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostGroups = 64;  // rows of a picture

const GroupCounts* group_named(const LayerProfile& layer, const std::string& name) {
  const auto found =
      std::find_if(layer.groups.begin(), layer.groups.end(), [&](const auto& g) { return g.name == name; });
  return found == layer.groups.end() ? nullptr : &*found;
}

// The groups with the most tokens, in their order.
std::vector<size_t> shown_groups(const GroupCounts& groups) {
  std::vector<size_t> order(groups.labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order.size() <= kMostGroups) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return groups.token_G[a] > groups.token_G[b]; });
  order.resize(kMostGroups);
  std::sort(order.begin(), order.end());
  return order;
}

struct Sides {
  const LayerProfile& layer;
  const GroupCounts& groups;
  Contingency table;
  bool by_expert;  // P(group | expert)
};

bool begins_with_digit(const std::string& text) { return !text.empty() && text[0] >= '0' && text[0] <= '9'; }

// "patch_row" -> "patch row"
std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// The largest share that stands on enough tokens, and what the counts say of both sides.
std::string reading_of(const Sides& sides, const std::vector<double>& share_EY, const std::vector<bool>& is_few_EY) {
  const Information information = information_of(sides.table);
  size_t top = share_EY.size();
  for (size_t i = 0; i < share_EY.size(); ++i) {
    if (!is_few_EY[i] && (top == share_EY.size() || share_EY[i] > share_EY[top])) top = i;
  }
  const std::string nmi = "NMI " + number(information.normalized()) + ", I " + number(information.mutual) + " nats";
  if (top == share_EY.size()) return "No share stands on " + std::to_string(kFewTokens) + " tokens; " + nmi + ".";
  const auto Y = static_cast<size_t>(sides.table.num_classes);
  const std::string expert = expert_label(sides.layer.experts[top / Y]), label = sides.groups.labels[top % Y];
  const std::string group = begins_with_digit(label) ? spaced(sides.groups.name) + " " + label : label;
  const std::string share = percent(share_EY[top]);
  return (sides.by_expert ? "Of expert " + expert + "'s assignments " + share + " come from " + group
                          : "Of the assignments of " + group + ", " + share + " go to expert " + expert) +
         ", the largest share; " + nmi + ".";
}

View view_of(const Sides& sides) {
  const Contingency& table = sides.table;
  const auto share_EY = sides.by_expert ? class_given_expert(table) : expert_given_class(table);
  const auto sum_E = table.expert_sums();
  std::vector<bool> is_few_EY(share_EY.size());
  for (size_t i = 0; i < is_few_EY.size(); ++i) {
    const auto Y = static_cast<size_t>(table.num_classes);
    const double tokens = sides.by_expert ? sum_E[i / Y] : static_cast<double>(sides.groups.token_G[i % Y]);
    is_few_EY[i] = tokens < static_cast<double>(kFewTokens);
  }
  Heatmap map{.x = "expert", .y = sides.groups.name, .columns = expert_labels(sides.layer.experts)};
  map.high = 0;
  View view;
  view.unit = sides.by_expert ? "P(" + sides.groups.name + " | expert), 0 .. 1"
                              : "P(expert | " + sides.groups.name + "), 0 .. 1";
  for (const size_t y : shown_groups(sides.groups)) {
    std::vector<double> row;
    for (size_t e = 0; e < map.columns.size(); ++e) {
      const size_t i = table.index(static_cast<int64_t>(e), static_cast<int64_t>(y));
      row.push_back(share_EY[i]);
      map.high = std::max(map.high, share_EY[i]);
      if (is_few_EY[i]) map.grey.push_back({map.rows.size(), e});
    }
    map.rows.push_back(sides.groups.labels[y]);
    map.values.push_back(std::move(row));
  }
  if (map.high == 0) map.high = 1;
  view.table = heatmap_table(map, sides.groups.name, 0);
  view.count =
      "n = " + counted(std::accumulate(table.count_EY.begin(), table.count_EY.end(), int64_t{0}), "assignment");
  if (!map.grey.empty()) view.count += "; grey: shares of fewer than " + std::to_string(kFewTokens) + " tokens";
  if (map.rows.size() < sides.groups.labels.size()) {
    view.count += "; the " + std::to_string(map.rows.size()) + " of " + std::to_string(sides.groups.labels.size()) +
                  " with the most tokens";
  }
  view.reading = reading_of(sides, share_EY, is_few_EY);
  view.chart = map.table();
  return view;
}

}  // namespace

std::optional<Contingency> contingency_of(const LayerProfile& layer, const std::string& group) {
  const GroupCounts* groups = group_named(layer, group);
  const size_t E = layer.counts.count_E.size();
  if (groups == nullptr || E == 0 || groups->labels.empty() || layer.experts.size() != E) return {};
  if (groups->count_EG.size() != E * groups->labels.size() || groups->token_G.size() != groups->labels.size())
    return {};
  return Contingency{static_cast<int64_t>(E), static_cast<int64_t>(groups->labels.size()), groups->count_EG};
}

bool is_of_text(const RoutingProfile& profile) {
  return std::any_of(profile.layers.begin(), profile.layers.end(),
                     [](const LayerProfile& layer) { return layer.group("token_type") != nullptr; });
}

Figure group_figure(const RoutingProfile& profile, const std::string& group, const std::string& title) {
  std::vector<LayerProfile> layers;
  for (const LayerProfile& layer : profile.layers) {
    if (contingency_of(layer, group)) layers.push_back(layer);
  }
  const std::string of_group = "P(expert | " + group + ")", of_expert = "P(" + group + " | expert)";
  return figure_of(
      title, {layer_choice(layers), {"share", {of_group, of_expert}, 0}}, [&](const std::vector<size_t>& options) {
        const LayerProfile& layer = layers[options[0]];
        return view_of({layer, *group_named(layer, group), *contingency_of(layer, group), options[1] == 1});
      });
}

}  // namespace heterodyne
