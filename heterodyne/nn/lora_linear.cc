#include "heterodyne/nn/lora_linear.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>

#include <cmath>

namespace heterodyne::nn {

torch::Tensor LoraLinear::forward(const torch::Tensor& x) const {
  const auto y = Linear::forward(x);
  return has_lora() ? y + scale_ * at::linear(at::linear(x, a_RI_), b_OR_) : y;
}

void LoraLinear::add_lora(int64_t rank, double scale, const Init& init) {
  const int64_t inputs = weight().num_inputs();
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  const auto options = weight().matrix().scalar_type();
  a_RI_ = register_parameter("lora_a", initial_uniform(init.at("lora_a"), {rank, inputs}, bound).to(options));
  b_OR_ = register_parameter("lora_b", torch::zeros({weight().num_outputs(), rank}, options));
  scale_ = scale;
}

torch::Tensor LoraLinear::merged() const {
  const auto matrix_OI = weight().matrix().detach();
  return has_lora() ? matrix_OI + scale_ * at::matmul(b_OR_.detach(), a_RI_.detach()) : matrix_OI.clone();
}

}  // namespace heterodyne::nn
