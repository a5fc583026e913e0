#include "heterodyne/nn/weight.h"

#include <ATen/ops/linear.h>

#include "heterodyne/base/shape.h"

namespace heterodyne::nn {

Weight::Weight(torch::nn::Module& owner, const std::string& name, const torch::Tensor& matrix_OI)
    : matrix_OI_(owner.register_parameter(name, matrix_OI)) {
  check_shape("nn.weight", name, matrix_OI, {"outputs", "inputs"});
}

void Weight::assign(const torch::Tensor& matrix_OI) {
  check_shape("nn.weight", "assigned matrix", matrix_OI, {{"outputs", num_outputs()}, {"inputs", num_inputs()}});
  const torch::NoGradGuard no_grad;
  matrix_OI_.copy_(matrix_OI);
}

torch::Tensor Weight::apply(const torch::Tensor& x_NI, const torch::Tensor& bias_O) const {
  return at::linear(x_NI, matrix_OI_, bias_O.defined() ? std::optional(bias_O) : std::nullopt);
}

}  // namespace heterodyne::nn
