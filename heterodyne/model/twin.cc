#include "heterodyne/model/twin.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

constexpr const char* kWidth = "hidden";
constexpr int64_t kWidest = int64_t{1} << 24;

bool has_setting(const Schema& schema, const std::string& name) {
  const auto fields = schema.list();
  return std::any_of(fields.begin(), fields.end(), [&](const FieldInfo& field) { return field.name == name; });
}

std::string kind_of(const Value& member) {
  const Value* kind = member.if_table() ? member.if_table()->find("kind") : nullptr;
  return kind && kind->if_text() ? *kind->if_text() : "";
}

Array groups_of(const Table& moe) {
  const Value* groups = moe.find("experts");
  return groups && groups->if_array() ? *groups->if_array() : Array{};
}

// A kind whose rows pass through one hidden layer, with one width for it.
bool is_feed_forward(const std::string& kind) { return kind == "mlp" || kind == "swiglu" || kind == "geglu"; }

// The settings of a group's first kind of that sort; those of an mlp otherwise. Neither name nor width nor number.
Table feed_forward_of(const Array& groups) {
  Table chosen{{"kind", "mlp"}};
  for (const auto& group : groups) {
    if (!is_feed_forward(kind_of(group))) continue;
    chosen = *group.if_table();
    break;
  }
  for (const char* key : {"name", "count", kWidth}) chosen.erase(key);
  return chosen;
}

// One group of equal experts, then those that answer nothing.
Array equal_groups(const Array& groups, int64_t hidden) {
  Array null_groups;
  int64_t count = 0;
  for (const auto& group : groups) {
    if (experts().find(kind_of(group)).is_null) null_groups.push_back(group);
    else count += num_experts_of(Member(*group.if_table()));
  }
  if (count == 0) return groups;
  Table equal = feed_forward_of(groups);
  equal.set("count", count);
  equal.set(kWidth, hidden);
  Array all{Value(std::move(equal))};
  all.insert(all.end(), null_groups.begin(), null_groups.end());
  return all;
}

// One group of one expert that gets every token with the weight 1: a dense feed-forward block.
Table single_expert(const Table& moe, int64_t hidden) {
  Table block = feed_forward_of(groups_of(moe));
  block.set(kWidth, hidden);
  Table single{{"router", Table{{"kind", "round_robin"}, {"k", 1}}}, {"experts", Array{std::move(block)}}};
  if (const Value* output = moe.find("output")) single.set("output", *output);
  return single;
}

Table homogeneous(Table model, int64_t hidden) {
  Value* section = model.find("moe");
  Table& moe = *section->if_table();
  moe.set("experts", equal_groups(groups_of(moe), hidden));
  Value* layers = moe.find("layer");
  if (!layers || !layers->if_table()) return model;
  for (const auto& key : layers->if_table()->keys()) {
    Table& layer = *layers->if_table()->find(key)->if_table();
    if (layer.contains("experts")) layer.set("experts", equal_groups(groups_of(layer), hidden));
  }
  return model;
}

// The section `moe` of a network without Mixtures of Experts: without experts, or where those are required, without
// layers that have them.
Table no_experts(Table model, const MakeNetwork& make) {
  model.erase("dense");
  model.set("moe", Table{});
  try {
    if (make(model)->moe_layers().empty()) return {};
  } catch (const ConfigError&) {
  }
  return {{"layers", Array{}}};
}

// The dense block of a network that has such: its own, or one like the first expert of the kind that the network takes
// by default, or that default. `model` has no experts.
Table dense_block(const Table& model, const Array& groups) {
  if (const Value* own = model.find("dense"); own && own->if_table()) return *own->if_table();
  Problems problems;
  const Table resolved = networks().resolve(model, {"model", "model"}, problems);
  problems.throw_if_any();
  Table block = *resolved.find("dense")->if_table();
  for (const auto& group : groups) {
    if (kind_of(group) != kind_of(Value(block))) continue;
    block = *group.if_table();
    break;
  }
  for (const char* key : {"name", "count"}) block.erase(key);
  return block;
}

// The network with another width of what makes it dense, by that width.
std::function<Table(int64_t hidden)> dense(const Table& model, const MakeNetwork& make) {
  const Table moe = *model.find("moe")->if_table();
  if (!has_setting(networks().schema(kind_of(Value(model))), "dense")) {
    return [model, moe](int64_t hidden) {
      Table twin = model;
      twin.set("moe", single_expert(moe, hidden));
      return twin;
    };
  }
  Table bare = model;
  bare.set("moe", no_experts(model, make));
  const Table block = dense_block(bare, groups_of(moe));
  if (!has_setting(experts().schema(kind_of(Value(block))), kWidth))
    throw ConfigError("model", "dense",
                      fmt::format("expected a kind with a hidden width, which a twin is solved for, got \"{}\"",
                                  kind_of(Value(block))));
  return [bare, block](int64_t hidden) {
    Table twin = bare, wide = block;
    wide.set(kWidth, hidden);
    twin.set("dense", std::move(wide));
    return twin;
  };
}

// The budget of each width, and the width whose budget is nearest to a target. Budgets grow with the width.
class Search {
 public:
  Search(std::function<double(int64_t)> budget_of, double target) : budget_of_(std::move(budget_of)), target_(target) {}

  double at_one() { return at(1); }

  /// Throws when no width reaches the target.
  int64_t nearest() {
    int64_t low = 1, high = 2;
    while (at(high) < target_) {
      if (high >= kWidest) throw ConfigError("model: no hidden width reaches this budget");
      low = high;
      high *= 2;
    }
    // Budgets are straight lines in the width, nearly always: where the line through both ends meets the target.
    while (high - low > 1) {
      const double slope = (at(high) - at(low)) / static_cast<double>(high - low);
      const double guess = slope > 0 ? static_cast<double>(low) + (target_ - at(low)) / slope : 0;
      const int64_t middle = std::clamp(static_cast<int64_t>(std::floor(guess)), low + 1, high - 1);
      if (at(middle) < target_) {
        low = middle;
        if (at(low + 1) >= target_) high = low + 1;
      } else {
        high = middle;
        if (at(high - 1) < target_) low = high - 1;
      }
    }
    return std::abs(at(low) - target_) <= std::abs(at(high) - target_) ? low : high;
  }

 private:
  double at(int64_t width) {
    const auto known = known_.find(width);
    if (known != known_.end()) return known->second;
    return known_[width] = budget_of_(width);
  }

  std::function<double(int64_t)> budget_of_;
  double target_;
  std::map<int64_t, double> known_;
};

const char* form_name(TwinForm form) { return form == TwinForm::kDense ? "dense" : "homogeneous"; }

std::string budget_name(TwinBudget budget) {
  return budget == TwinBudget::kParams ? "parameters" : budget == TwinBudget::kMacs ? "MACs" : "active parameters";
}

std::string blocks_of(Network& network, const Table& model) {
  const auto layers = network.moe_layers();
  if (layers.empty()) return fmt::format("each dense {}", kind_of(*model.find("dense")));
  const std::string kind = layers[0]->group_kind(0);
  if (layers[0]->num_experts() == 1) return fmt::format("each dense {}", kind);
  return fmt::format("each {} expert", kind);
}

}  // namespace

double NetworkBudget::of(TwinBudget budget) const {
  return budget == TwinBudget::kParams ? params : budget == TwinBudget::kMacs ? executed_macs : active_params;
}

NetworkBudget network_budget(Network& network) {
  const auto all = static_cast<double>(num_params(network));
  NetworkBudget budget{all, even_cost(network).executed.macs, all};
  for (MoeLayer* layer : network.moe_layers()) {
    const auto E = static_cast<double>(layer->num_experts());
    const double unused = 1 - std::min(1.0, static_cast<double>(layer->router().max_choices()) / E);
    for (const auto& slot : layer->slots())
      budget.active_params -= unused * static_cast<double>(slot.expert->cost({1, 1, 1}).routed.params);
  }
  return budget;
}

Twin twin_of(const Table& model, TwinForm form, TwinBudget budget, const MakeNetwork& make) {
  const auto original = make(model);
  const std::string a_twin = std::string("a ") + form_name(form) + " twin";
  if (original->moe_layers().empty())
    throw ConfigError("model", "moe", "expected a Mixture-of-Experts layer for " + a_twin + " to be made of, got none");
  const auto twin = form == TwinForm::kDense
                        ? dense(model, make)
                        : std::function<Table(int64_t)>([&](int64_t hidden) { return homogeneous(model, hidden); });
  const auto budget_of = [&](int64_t hidden) { return network_budget(*make(twin(hidden))).of(budget); };
  const double target = network_budget(*original).of(budget);
  Search search(budget_of, target);
  if (search.at_one() > target)
    throw ConfigError("model", "moe",
                      fmt::format("{} of {} {} does not exist: with a hidden width of 1 it has {}", a_twin,
                                  with_commas(std::llround(target)), budget_name(budget),
                                  with_commas(std::llround(search.at_one()))));
  Twin found;
  found.hidden = search.nearest();
  found.model = twin(found.hidden);
  const auto network = make(found.model);
  found.blocks = blocks_of(*network, found.model);
  found.budget = network_budget(*network);
  return found;
}

}  // namespace heterodyne
