// AdamW (Loshchilov and Hutter 2019, algorithm 2): Adam with bias correction and weight decay apart from the gradient.
// The update itself is the library's fused kernel.
#include <ATen/ops/_fused_adamw.h>

#include "heterodyne/train/optimizer.h"

namespace heterodyne {
namespace {

class AdamWOptimizer : public Optimizer {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0.01;
    void visit(Fields& field) {
      field("beta1", beta1, "decay of the mean gradient", between(0, 0.9999));
      field("beta2", beta2, "decay of the mean squared gradient", between(0, 0.999999));
      field("eps", eps, "added to the root of the mean squared gradient", more_than(0));
      field("weight_decay", weight_decay, "share of the learning rate by which weights shrink each step", at_least(0));
    }
  };

  explicit AdamWOptimizer(const Options& options) : options_(options) {}

  void set_momentum(double momentum) override { options_.beta1 = momentum; }

 protected:
  State initial_state(const torch::Tensor& parameter) const override {
    return {{"exp_avg", torch::zeros_like(parameter)},
            {"exp_avg_sq", torch::zeros_like(parameter)},
            {"step", torch::zeros({}, torch::kFloat32)}};
  }

  bool starts_at_mean(const std::string& key) const override { return key == "exp_avg_sq"; }

  void update(const std::vector<Entry>& entries, double lr) override {
    std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
    for (const Entry& entry : entries) {
      parameters.push_back(entry.parameter);
      gradients.push_back(entry.gradient);
      means.push_back(entry.state->at("exp_avg"));
      squares.push_back(entry.state->at("exp_avg_sq"));
      steps.push_back(entry.state->at("step").add_(1));
    }
    at::_fused_adamw_(parameters, gradients, means, squares, {}, steps, lr, options_.beta1, options_.beta2,
                      options_.weight_decay, options_.eps, false, false);
  }

 private:
  Options options_;
};

}  // namespace

OptimizerKind optimizer_kind_adamw() {
  return optimizer_kind<AdamWOptimizer>("Adam with weight decay apart from the gradient");
}

}  // namespace heterodyne
