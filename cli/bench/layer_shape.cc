#include "cli/bench/layer_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"

namespace heterodyne::cli {
namespace {

// A router that knows the answer already.
class PlannedRouter : public Router {
 public:
  PlannedRouter(torch::Tensor expert_TK, int64_t num_experts)
      : expert_TK_(std::move(expert_TK)), num_experts_(num_experts) {
    weight_TK_ = register_parameter("weight", torch::full(expert_TK_.sizes(), 0.5F));
  }
  Routing route(const RouteInput& input) override {
    return make_routing({expert_TK_, weight_TK_, {}, {}}, input, num_experts_);
  }
  int64_t num_experts() const override { return num_experts_; }
  int64_t max_choices() const override { return expert_TK_.size(1); }
  void set_num_experts(int64_t num_experts) override { num_experts_ = num_experts; }

 private:
  torch::Tensor expert_TK_, weight_TK_;
  int64_t num_experts_;
};

Table read_table(const std::string& source) {
  const auto set = shape_sets().find(source);
  if (set != shape_sets().end()) return parse_toml(set->second, source);
  if (!std::filesystem::exists(source)) {
    std::vector<std::string> names;
    for (const auto& [name, text] : shape_sets()) names.push_back(name);
    throw ConfigError(fmt::format("bench: shapes: expected a file or one of {}, got \"{}\"", join(names), source));
  }
  const std::string text = io::read_file(source);
  return source.ends_with(".json") ? io::parse_json_table(text, source) : parse_toml(text, source);
}

// Probability of each expert, not normalised: zero for the dead, 1 / rank in a random order for the others.
std::vector<double> shares_of(const LayerShape& shape, int64_t num_experts, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(num_experts));
  std::iota(order.begin(), order.end(), 0);
  const RandomStream stream("bench.order");
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[stream.below({seed, 0}, i, i)]);
  const auto num_dead = static_cast<size_t>(shape.dead * static_cast<double>(num_experts));
  std::vector<double> shares(order.size(), 0);
  for (size_t rank = 0; rank + num_dead < order.size(); ++rank)
    shares[static_cast<size_t>(order[rank])] = shape.loads == "zipf" ? 1.0 / static_cast<double>(rank + 1) : 1.0;
  return shares;
}

// Draws experts by their shares, one after the other and each once.
class Draw {
 public:
  explicit Draw(const std::vector<double>& shares) : before_{0} {
    for (const double share : shares) before_.push_back(before_.back() + share);
  }

  void begin() { taken_.clear(); }
  /// The expert in whose share `place` (0 .. 1) of what is left falls.
  int64_t next(double place) {
    double left = before_.back();
    for (const size_t e : taken_) left -= share_of(e);
    double sum = place * left;  // of all shares up to there, after those that were taken before it are put back
    for (const size_t e : taken_) {
      if (before_[e] <= sum) sum += share_of(e);
    }
    auto e = static_cast<size_t>(std::upper_bound(before_.begin(), before_.end(), sum) - before_.begin()) - 1;
    e = std::min(e, before_.size() - 2);
    while (share_of(e) <= 0 || std::binary_search(taken_.begin(), taken_.end(), e)) --e;  // where rounding misses
    taken_.insert(std::upper_bound(taken_.begin(), taken_.end(), e), e);
    return static_cast<int64_t>(e);
  }

 private:
  double share_of(size_t e) const { return before_[e + 1] - before_[e]; }

  std::vector<double> before_;  // sum of the shares before each expert, and of all
  std::vector<size_t> taken_;   // ascending
};

}  // namespace

std::vector<LayerShape> read_shapes(const std::string& source) {
  const Table table = read_table(source);
  const Value* list = table.find("shape");
  if (!list || !list->if_array() || list->if_array()->empty())
    throw ConfigError(source + ": expected a list of tables called `shape`");
  std::vector<LayerShape> shapes;
  for (const auto& entry : *list->if_array()) {
    if (!entry.if_table()) throw ConfigError(source + ": shape: expected a table, got " + entry.type_name());
    shapes.push_back(read_options<LayerShape>(*entry.if_table(), {"shape", ""}));
    const auto& shape = shapes.back();
    if (shape.tokens % shape.sequence() != 0)
      throw ConfigError(fmt::format("{}: {}: length: expected a divisor of {}, got {}", source, shape.id, shape.tokens,
                                    shape.length));
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto has_id = [&](const std::string& id) { return [&id](const LayerShape& s) { return s.id == id; }; };
    if (std::count_if(shapes.begin(), shapes.end(), has_id(shapes[i].id)) > 1)
      throw ConfigError(fmt::format("{}: id: expected each once, got \"{}\" twice", source, shapes[i].id));
    const std::string& base = shapes[i].per_flop_of;
    if (!base.empty() && std::none_of(shapes.begin(), shapes.end(), has_id(base)))
      throw ConfigError(
          fmt::format("{}: {}: per_flop_of: expected the id of a shape, got \"{}\"", source, shapes[i].id, base));
  }
  return shapes;
}

torch::Tensor drawn_choices(const LayerShape& shape, int64_t num_experts, uint64_t seed) {
  const auto shares = shares_of(shape, num_experts, seed);
  const auto alive = std::count_if(shares.begin(), shares.end(), [](double share) { return share > 0; });
  const int64_t K = *std::max_element(shape.choices.begin(), shape.choices.end());
  if (K > alive)
    throw ConfigError(fmt::format("{}: choices: expected at most the {} experts alive, got {}", shape.id, alive, K));
  const auto draw_TK = RandomStream("bench.choices").uniform({seed, 0}, {shape.tokens, K});
  auto expert_TK = torch::full({shape.tokens, K}, -1, torch::kInt64);
  const auto draw = draw_TK.accessor<float, 2>();
  auto expert = expert_TK.accessor<int64_t, 2>();
  Draw experts(shares);
  for (int64_t t = 0; t < shape.tokens; ++t) {
    experts.begin();
    const int64_t k = shape.choices[static_cast<size_t>(t) % shape.choices.size()];
    for (int64_t i = 0; i < k; ++i) expert[t][i] = experts.next(static_cast<double>(draw[t][i]));
  }
  return expert_TK;
}

std::shared_ptr<MoeLayer> make_layer(const LayerShape& shape, uint64_t seed) {
  MoeOptions options;
  options.experts = shape.experts;
  if (shape.loads == "learned") options.router = shape.router;
  auto layer = std::make_shared<MoeLayer>(options, MoeContext{shape.width, shape.width, {seed, "layers.0"}});
  if (shape.loads != "learned") {
    const int64_t E = layer->num_experts();
    layer->swap_router(std::make_shared<PlannedRouter>(drawn_choices(shape, E, seed), E));
  }
  layer->train();
  return layer;
}

torch::Tensor random_input(const LayerShape& shape, uint64_t seed) {
  return RandomStream("bench.input")
      .normal({seed, 0}, {shape.tokens / shape.sequence(), shape.sequence(), shape.width});
}

LayerWork work_of(MoeLayer& layer, const LayerShape& shape, const torch::Tensor& x_BSD) {
  const torch::NoGradGuard no_grad;
  RoutingLog log;
  layer.forward({x_BSD, {}, {1, 0}}, &log);
  LayerWork work;
  const auto rows_E = log.layers.at(0).tokens_per_expert_E;
  for (int64_t e = 0; e < rows_E.size(0); ++e) work.rows_E.push_back(rows_E[e].item<double>());
  for (size_t e = 0; e < work.rows_E.size(); ++e) {
    const ExpertLoad load{work.rows_E[e], static_cast<double>(shape.tokens), shape.sequence()};
    const Cost cost = layer.slots()[e].expert->cost(load).routed;
    work.pairs += work.rows_E[e];
    work.flops += 2 * cost.macs;
    work.weights += static_cast<double>(cost.params);
  }
  return work;
}

}  // namespace heterodyne::cli
