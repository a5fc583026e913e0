// Stochastic gradient descent with momentum (Polyak 1964), optionally Nesterov's, and weight decay added to the
// gradient.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>

#include "heterodyne/train/optimizer.h"

namespace heterodyne {
namespace {

class SgdOptimizer : public Optimizer {
 public:
  struct Options {
    double momentum = 0;
    bool nesterov = false;
    double weight_decay = 0;
    void visit(Fields& field) {
      field("momentum", momentum, "decay of the running sum of gradients", between(0, 0.9999));
      field("nesterov", nesterov, "whether to step along the gradient looked ahead",
            effective_when(momentum > 0, "momentum = 0"));
      field("weight_decay", weight_decay, "times the weights is added to the gradient", at_least(0));
    }
  };

  explicit SgdOptimizer(const Options& options) : options_(options) {}

  void set_momentum(double momentum) override { options_.momentum = momentum; }

 protected:
  State initial_state(const std::string&, const torch::Tensor& parameter) const override {
    return {{"momentum", torch::zeros_like(parameter)}};
  }

  void update(const std::vector<Entry>& entries, double lr) override {
    std::vector<torch::Tensor> parameters, gradients, sums;
    for (const Entry& entry : entries) {
      parameters.push_back(entry.parameter);
      gradients.push_back(entry.gradient);
      sums.push_back(entry.state->at("momentum"));
    }
    if (options_.weight_decay > 0) gradients = at::_foreach_add(gradients, parameters, options_.weight_decay);
    if (options_.momentum > 0) {
      at::_foreach_mul_(sums, options_.momentum);
      at::_foreach_add_(sums, gradients);
      gradients = options_.nesterov ? at::_foreach_add(gradients, sums, options_.momentum) : sums;
    }
    at::_foreach_add_(parameters, gradients, -lr);
  }

 private:
  Options options_;
};

}  // namespace

OptimizerKind optimizer_kind_sgd() { return optimizer_kind<SgdOptimizer>("stochastic gradient descent with momentum"); }

}  // namespace heterodyne
