// Gradients by central differences, for the tests of every room that has a gradient.
#pragma once

#include <functional>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// The largest difference between autograd's gradient of `f` and central differences, over every element of every
/// float64 leaf in `inputs`, divided by the largest gradient (or 1 when that is smaller). `f` returns any tensor; it
/// is reduced with fixed unequal weights, so that errors cannot cancel.
inline double gradient_error(const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& f,
                             std::vector<torch::Tensor> inputs, double step = 1e-5) {
  for (auto& input : inputs) input = input.detach().to(torch::kFloat64).clone().requires_grad_();
  const auto reduced = [&] {
    const auto y = f(inputs).reshape(-1);
    return (y * torch::linspace(0.3, 1.7, y.numel(), y.options())).sum();
  };
  const auto gradients = torch::autograd::grad({reduced()}, inputs, {}, false, false, true);
  double worst = 0, largest = 1;
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto flat = inputs[i].view(-1);
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

}  // namespace heterodyne::ops
