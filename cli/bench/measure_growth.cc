#include "cli/bench/measure_growth.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "heterodyne/base/error.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne::cli {
namespace {

constexpr int64_t kMoved = 8;

// A layer in training, under its name in a network.
struct Grower {
  explicit Grower(const LayerShape& shape)
      : layer(make_layer(shape)),
        optimizer(optimizers().make(Member(Table{{"kind", "adamw"}}))),
        x_BSD(random_input(shape)) {
    auto layers = network->register_module("layers", std::make_shared<torch::nn::Module>());
    layers->register_module("0", layer);
    step();
  }

  void step() {
    network->zero_grad();
    layer->forward({x_BSD, {}, {1, 0}}, nullptr).y_BSO.pow(2).mean().backward();
    optimizer->step(parameters_of(*network), 1e-4);
  }

  void add() {
    for (int64_t i = 0; i < kMoved; ++i) {
      const auto resized = add_expert(*layer, {0, layer->ids().front()});
      optimizer->remap("layers.0", resized.changes);
      added.push_back(resized.id);
    }
  }

  void remove() {
    for (const int64_t id : added) optimizer->remap("layers.0", remove_expert(*layer, id).changes);
    added.clear();
    optimizer->keep_only(parameters_of(*network));
  }

  // Where the experts' values lie, by name.
  std::map<std::string, const void*> places() const {
    std::map<std::string, const void*> all;
    for (const auto& [name, parameter] : parameters_of(*network)) {
      if (name.find(".experts.") != std::string::npos) all[name] = parameter.const_data_ptr();
    }
    return all;
  }

  std::shared_ptr<torch::nn::Module> network = std::make_shared<torch::nn::Module>();
  std::shared_ptr<MoeLayer> layer;
  std::shared_ptr<Optimizer> optimizer;
  torch::Tensor x_BSD;
  std::vector<int64_t> added;
};

double moved_bytes_of(Grower& grower) {
  const auto values = [](const torch::nn::Module& module) {
    double sum = 0;
    for (const auto& parameter : module.parameters()) sum += static_cast<double>(parameter.numel());
    return sum;
  };
  const double experts = kMoved * values(*grower.layer->slots().front().expert);
  return 3 * 4 * (experts + values(grower.layer->router()));
}

}  // namespace

const Timing& GrowthResult::of(const std::string& name) const {
  for (const auto& timing : timings) {
    if (timing.name == name) return timing;
  }
  throw Error(fmt::format("bench: {}: expected a time of \"{}\", there is none", shape.id, name));
}

GrowthResult measure_growth(const LayerShape& shape, const InterleaveOptions& options) {
  if (shape.loads != "learned")
    throw ConfigError(
        fmt::format("bench growth: {}: expected a router that can be resized, got loads drawn beforehand", shape.id));
  Grower grower(shape);
  GrowthResult result;
  result.shape = shape;
  result.num_experts = grower.layer->num_experts();
  result.num_moved = kMoved;
  result.moved_bytes = moved_bytes_of(grower);
  const auto bytes = static_cast<int64_t>(result.moved_bytes);
  const auto from = torch::zeros({bytes}, torch::kInt8);
  auto to = torch::ones({bytes}, torch::kInt8);
  const auto before = grower.places();
  result.timings = interleave({{"add", [&] { grower.add(); },
                                [&] {
                                  if (!grower.added.empty()) grower.remove();
                                }},
                               {"remove", [&] { grower.remove(); },
                                [&] {
                                  if (grower.added.empty()) grower.add();
                                }},
                               {"copy", [&] { to.copy_(from); }, {}},
                               {"step", [&] { grower.step(); },
                                [&] {
                                  if (!grower.added.empty()) grower.remove();
                                }}},
                              options);
  if (!grower.added.empty()) grower.remove();
  result.keeps_others = grower.places() == before;
  return result;
}

Rows growth_rows(const std::vector<GrowthResult>& results) {
  Rows rows{{"shape", "experts", "moved", "moved MB", "add ms", "remove ms", "copy ms", "(add + remove) / copy",
             "step ms", "others stay"},
            {}};
  for (const auto& result : results) {
    const auto median = [&](const char* name) { return spread_of(result.of(name).seconds).median; };
    rows.rows.push_back({result.shape.id, result.num_experts, result.num_moved,
                         std::round(result.moved_bytes * 1e-4) / 100, milliseconds(median("add")),
                         milliseconds(median("remove")), milliseconds(median("copy")),
                         std::round(100 * (median("add") + median("remove")) / median("copy")) / 100,
                         milliseconds(median("step")), result.keeps_others});
  }
  return rows;
}

Array growth_objects(const std::vector<GrowthResult>& results) {
  Array all;
  for (const auto& result : results) {
    Table point{{"shape", result.shape.id},
                {"num_experts", result.num_experts},
                {"num_moved", result.num_moved},
                {"moved_bytes", result.moved_bytes},
                {"keeps_others", result.keeps_others}};
    for (const auto& timing : result.timings) point.set(timing.name, table_of(spread_of(timing.seconds)));
    all.push_back(point);
  }
  return all;
}

}  // namespace heterodyne::cli
