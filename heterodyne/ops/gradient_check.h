// Gradients by central differences, for the tests of every room that has a gradient.
#pragma once

#include <functional>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// The largest difference between autograd's gradient of `f` and central differences, over every element of every
/// float64 leaf in `leaves`, divided by the largest gradient (or 1 when that is smaller). `f` reads the leaves wherever
/// they are, parameters of a module for one, and returns any tensor; it is reduced with fixed unequal weights, so that
/// errors cannot cancel. The leaves' values are as before afterwards.
inline double leaf_gradient_error(const std::function<torch::Tensor()>& f, const std::vector<torch::Tensor>& leaves,
                                  double step = 1e-5) {
  const auto reduced = [&] {
    const auto y = f().reshape(-1);
    return (y * torch::linspace(0.3, 1.7, y.numel(), y.options().requires_grad(false))).sum();
  };
  const auto gradients = torch::autograd::grad({reduced()}, leaves, {}, false, false, true);
  double worst = 0, largest = 1;
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < leaves.size(); ++i) {
    auto flat = leaves[i].view(-1);
    const auto analytic = gradients[i].defined() ? gradients[i].reshape(-1) : torch::zeros_like(flat);
    for (int64_t j = 0; j < flat.numel(); ++j) {
      const double value = flat[j].item<double>();
      flat[j].fill_(value + step);
      const double above = reduced().item<double>();
      flat[j].fill_(value - step);
      const double below = reduced().item<double>();
      flat[j].fill_(value);
      const double numeric = (above - below) / (2 * step);
      worst = std::max(worst, std::abs(numeric - analytic[j].item<double>()));
      largest = std::max(largest, std::abs(numeric));
    }
  }
  return worst / largest;
}

/// The same for a function of its arguments: copies of `inputs` in float64.
inline double gradient_error(const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& f,
                             std::vector<torch::Tensor> inputs, double step = 1e-5) {
  for (auto& input : inputs) input = input.detach().to(torch::kFloat64).clone().requires_grad_();
  return leaf_gradient_error([&] { return f(inputs); }, inputs, step);
}

}  // namespace heterodyne::ops
