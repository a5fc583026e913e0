// The adaptive process of DynMoE (Guo et al. 2024, arXiv 2405.14297, algorithm 1): over a window of steps it records
// which experts are used, and the sum of the tokens that no expert took. At its end
//   1. experts that nobody used are removed,
//   2. when there were tokens without expert, one expert is added for them: its embedding is their sum with length one.
// Both happen at the boundary of a step, for which the published code's moment between two passes stands.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/text.h"
#include "heterodyne/train/grower.h"

namespace heterodyne {
namespace {

class TopAnyWindow : public Grower {
 public:
  struct Options {
    int64_t start = 300;
    int64_t length = 300;
    int64_t period = 900;
    int64_t stop = 0;
    PoolOptions pool;
    void visit(Fields& field) {
      field("start", start, "steps before the first window", at_least(0));
      field("length", length, "steps of a window", at_least(1));
      field("period", period, "steps from the beginning of one window to that of the next", at_least(1));
      field("stop", stop, "no window ends after this step; 0: after the run's last", at_least(0));
      pool.visit(field);
    }
  };

  TopAnyWindow(const Options& options, const GrowerContext& context)
      : Grower("grower.top_any_window", options.pool, context), options_(options) {
    check_window(context.num_steps);
    for (const MoeLayer* layer : context.network.moe_layers()) {
      if (layer->router_traits().sums_unrouted) continue;
      throw ConfigError("grower.top_any_window", "kind",
                        fmt::format("expected routers that say which tokens they leave without expert, as \"top_any\" "
                                    "does, got router \"{}\" in {}",
                                    layer->router_kind(), layer->layer_name()));
    }
  }

  void after_step(const GrowthStep& step, Sums& memory, Pool& pool) const override {
    if (step.step <= options_.start) return;
    const int64_t in_period = (step.step - options_.start - 1) % options_.period + 1;
    const int64_t end = step.step - in_period + options_.length;
    if (in_period > options_.length || (options_.stop > 0 && end > options_.stop)) return;
    if (in_period == 1) forget_loads(memory);
    remember(step, pool.layers(), memory);
    if (step.step != end) return;
    for (MoeLayer* layer : pool.layers()) decide(*layer, memory, pool);
    forget_loads(memory);
  }

 private:
  void check_window(int64_t num_steps) const {
    if (options_.length > options_.period) {
      throw ConfigError("grower.top_any_window", "length",
                        fmt::format("expected at most period = {}, got {}", options_.period, options_.length));
    }
    const int64_t last = options_.stop > 0 ? std::min(options_.stop, num_steps) : num_steps;
    if (options_.start + options_.length <= last) return;
    throw ConfigError("grower.top_any_window", "length",
                      fmt::format("expected the first window to end by step {}, {}, got start = {}, length = {}",
                                  with_commas(last), last < num_steps ? "where growth stops" : "the run's last",
                                  with_commas(options_.start), with_commas(options_.length)));
  }

  void decide(MoeLayer& layer, const Sums& memory, Pool& pool) const {
    const auto load_E = remembered_load(layer, memory);
    std::vector<int64_t> unused;
    for (size_t e = 0; e < load_E.size(); ++e) {
      if (load_E[e] == 0) unused.push_back(layer.slots()[e].id);
    }
    const auto sum_D = remembered(layer, "unrouted_sum_D", memory);
    const double length = sum_D.defined() ? sum_D.norm().item<double>() : 0;
    bool wants_one = remembered(layer, "unrouted", memory).item<double>() > 0 && length > 0 && std::isfinite(length);
    // Where nobody was used, the newcomer comes before the last one goes: a layer is never without experts.
    if (unused.size() == load_E.size()) wants_one = wants_one && !add(layer, memory, pool);
    const std::string reason = fmt::format("0 assignments in {}", steps_text(options_.length));
    for (const int64_t id : unused) {
      if (pool.can_spare(layer, id)) pool.remove(layer, id, reason);
    }
    if (wants_one) add(layer, memory, pool);
  }

  // One for the tokens without expert, like the one whose embedding is nearest; whether there was room.
  static bool add(MoeLayer& layer, const Sums& memory, Pool& pool) {
    const auto sum_D = remembered(layer, "unrouted_sum_D", memory);
    const auto embedding_ED = layer.router().embeddings().detach().to(torch::kFloat64);
    const auto cosine_E = torch::matmul(embedding_ED, sum_D) / embedding_ED.norm(2, -1).clamp_min(1e-12);
    std::vector<double> likeness_E;
    for (int64_t e = 0; e < cosine_E.size(0); ++e) likeness_E.push_back(cosine_E[e].item<double>());
    const int64_t nearest = id_of_largest(layer, likeness_E);
    if (!pool.has_room(layer, nearest)) return false;
    const auto count = static_cast<int64_t>(remembered(layer, "unrouted", memory).item<double>());
    const std::string reason = fmt::format("from {} unrouted token{}", with_commas(count), count == 1 ? "" : "s");
    pool.add(layer, {nearest, sum_D, 0, reason, "add"});
    return true;
  }

  Options options_;
};

}  // namespace

GrowerKind grower_kind_top_any_window() {
  return grower_kind<TopAnyWindow>("drops experts that nobody used, adds one for tokens that got none (DynMoE)");
}

}  // namespace heterodyne
