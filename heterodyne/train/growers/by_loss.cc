// Growth by loss: after a validation each layer splits its busiest expert, for as long as that pays. What it pays is
// the part of the validation loss that was gained since the last growth, divided by the part of the parameters that
// were added then; the training that lay between counts as well, so the yield asked for should be more than training
// alone would bring.
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/train/grower.h"

namespace heterodyne {
namespace {

class ByLoss : public Grower {
 public:
  struct Options {
    double least_yield = 0.5;
    int64_t validations = 1;
    double spread = 0.1;
    PoolOptions pool;
    void visit(Fields& field) {
      field("least_yield", least_yield,
            "growth goes on while (part of the loss gained) / (part of parameters added) is at least this",
            more_than(0));
      field("validations", validations, "validations from one decision to the next", at_least(1));
      field("spread", spread, "how far the two halves move apart in the router, of their embedding's length",
            between(0, 1));
      pool.visit(field);
    }
  };

  ByLoss(const Options& options, const GrowerContext& context)
      : Grower("grower.by_loss", options.pool, context), options_(options) {
    if (options.validations <= context.num_validations) return;
    throw ConfigError("grower.by_loss", "validations",
                      fmt::format("expected at most {}, the validations of the run that a step follows (see "
                                  "data.validation and train.epochs), got {}",
                                  context.num_validations, options.validations));
  }

  void after_step(const GrowthStep& step, Sums& memory, Pool& pool) const override {
    if (memory.contains("is_over")) return;
    remember(step, pool.layers(), memory);
    const auto found = memory.find("validated");
    if (found == memory.end()) return;
    const double loss = found->second.item<double>();
    memory.erase(found);
    if (!pays(loss, pool.num_params(), memory)) return end(memory);
    const auto params = static_cast<double>(pool.num_params());
    for (MoeLayer* layer : pool.layers()) {
      const int64_t busiest = id_of_largest(*layer, remembered_load(*layer, memory));
      if (!pool.has_room(*layer, busiest)) continue;
      pool.add(*layer, {busiest,
                        {},
                        options_.spread,
                        fmt::format("expert {}, the busiest, at validation loss {:.4g}", busiest, loss)});
    }
    if (pool.events().empty()) return end(memory);
    forget_loads(memory);
    memory["loss"] = scalar(loss);
    memory["params"] = scalar(params);
  }

  void after_validation(double loss, Sums& memory) const override {
    if (memory.contains("is_over")) return;
    const double seen = value_of(memory, "validations") + 1;
    memory["validations"] = scalar(seen);
    if (static_cast<int64_t>(seen) % options_.validations == 0) memory["validated"] = scalar(loss);
  }

 private:
  static torch::Tensor scalar(double value) { return torch::tensor(value, torch::kFloat64); }
  static double value_of(const Sums& memory, const std::string& name) {
    const auto found = memory.find(name);
    return found == memory.end() ? 0 : found->second.item<double>();
  }
  // Whether the growth before this one brought enough; there was none at first.
  bool pays(double loss, int64_t num_params, const Sums& memory) const {
    if (!memory.contains("loss")) return true;
    const double loss_before = value_of(memory, "loss"), params_before = value_of(memory, "params");
    const double gained = (loss_before - loss) / std::abs(loss_before);
    return gained >= options_.least_yield * (static_cast<double>(num_params) - params_before) / params_before;
  }
  static void end(Sums& memory) { memory = {{"is_over", scalar(1)}}; }

  Options options_;
};

}  // namespace

GrowerKind grower_kind_by_loss() {
  return grower_kind<ByLoss>("splits the busiest experts while the validation loss falls enough for what they cost");
}

}  // namespace heterodyne
