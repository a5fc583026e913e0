// Adam: what the optimizers adam, adamw and adam_factored share: the settings, and moments by name with the bias
// correction of Kingma and Ba 2015, algorithm 1. The update itself is the library's fused kernel, or for experts whose
// moments have idle steps to take before it our own (ops/steps/replay.h).
#pragma once

#include "heterodyne/ops/steps/replay.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  IdleOptions idle;
  void visit(Fields& field) {
    field("beta1", beta1, "decay of the mean gradient", between(0, 0.9999));
    field("beta2", beta2, "decay of the mean squared gradient", between(0, 0.999999));
    field("eps", eps, "added to the root of the mean squared gradient", more_than(0));
    idle.visit(field);
  }
};

/// Where weight decay goes: into the gradient, as a loss of half the squared weights would (Adam), or apart from it
/// (AdamW).
enum class WeightDecay { kInGradient, kApart };

class Adam : public Optimizer {
 public:
  void set_momentum(double momentum) override { options_.beta1 = momentum; }
  double momentum() const override { return options_.beta1; }

 protected:
  Adam(const AdamOptions& options, WeightDecay decay, double weight_decay)
      : Optimizer(options.idle), options_(options), decay_(decay), weight_decay_(weight_decay) {}

  /// "exp_avg", "exp_avg_sq" and "step".
  State initial_state(const std::string& name, const torch::Tensor& parameter) const override;
  bool starts_at_mean(const std::string& key) const override { return key == "exp_avg_sq"; }
  void update(const std::vector<Entry>& entries, double lr) override;
  /// In one pass (ops/steps/replay.h), unless weight decay is in the gradient, which then is not zero.
  void replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) override;
  /// Where replay() takes one pass, so that moments are read and written once for idle steps and the one after them.
  bool can_follow(const Entry& entry) const override;
  void follow(const std::vector<Entry>& entries) const override;

  const AdamOptions& options() const { return options_; }

 private:
  ops::IdleAdam idle_steps(std::span<const Rates> steps, double steps_before) const;
  // The step that follows entry.missed.
  ops::AdamStep step_after(const Entry& entry, double lr) const;

  AdamOptions options_;
  WeightDecay decay_;
  double weight_decay_;
};

}  // namespace heterodyne
