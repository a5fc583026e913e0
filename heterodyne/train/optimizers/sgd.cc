// Stochastic gradient descent with momentum (Polyak 1964), optionally Nesterov's, and weight decay added to the
// gradient.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>

#include "heterodyne/ops/steps/replay.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne {
namespace {

class SgdOptimizer : public Optimizer {
 public:
  struct Options {
    double momentum = 0;
    bool nesterov = false;
    double weight_decay = 0;
    IdleOptions idle;
    void visit(Fields& field) {
      field("momentum", momentum, "decay of the running sum of gradients", between(0, 0.9999));
      field("nesterov", nesterov, "whether to step along the gradient looked ahead",
            effective_when(momentum > 0, "momentum = 0"));
      field("weight_decay", weight_decay, "times the weights is added to the gradient", at_least(0));
      idle.visit(field);
    }
  };

  explicit SgdOptimizer(const Options& options) : Optimizer(options.idle), options_(options) {}

  void set_momentum(double momentum) override { options_.momentum = momentum; }
  double momentum() const override { return options_.momentum; }

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

  // Without a gradient a step is a linear map of the weight and its sum of gradients, and so are many.
  void replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) override {
    ops::IdleLinear idle;
    for (const Rates& rates : steps) idle = after(idle, rates);
    std::vector<Entry> others;
    std::vector<ops::LinearTensors> tensors;
    for (const Entry& entry : entries) {
      const auto& sum = entry.state->at("momentum");
      if (ops::can_replay(entry.parameter) && ops::can_replay(sum)) tensors.push_back({entry.parameter, sum, &idle});
      else others.push_back(entry);
    }
    ops::replay(tensors, weights_only);
    if (!others.empty()) Optimizer::replay(others, steps, weights_only);
  }

 private:
  // The map with one step more: gradient g = weight_decay p, then update() as it is written.
  ops::IdleLinear after(const ops::IdleLinear& map, const Rates& rates) const {
    const double gp = options_.weight_decay * map.pp, gb = options_.weight_decay * map.pb;
    ops::IdleLinear next = map;
    double up = gp, ub = gb;  // what is taken, of p and of b
    if (rates.momentum > 0) {
      next.bp = rates.momentum * map.bp + gp;
      next.bb = rates.momentum * map.bb + gb;
      up = options_.nesterov ? gp + rates.momentum * next.bp : next.bp;
      ub = options_.nesterov ? gb + rates.momentum * next.bb : next.bb;
    }
    next.pp -= rates.lr * up;
    next.pb -= rates.lr * ub;
    return next;
  }

  Options options_;
};

}  // namespace

OptimizerKind optimizer_kind_sgd() { return optimizer_kind<SgdOptimizer>("stochastic gradient descent with momentum"); }

}  // namespace heterodyne
