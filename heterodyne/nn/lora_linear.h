// LoraLinear: a linear layer that may learn a correction of low rank beside its matrix (LoRA: Hu et al. 2021, arXiv
// 2106.09685, equation 3): y = x W^T + b + scale (x A^T) B^T.
//
// Letters: I inputs, O outputs, R rank.
#pragma once

#include "heterodyne/nn/linear.h"

namespace heterodyne::nn {

class LoraLinear : public Linear {
 public:
  using Linear::Linear;

  /// As Linear's, with the correction when there is one.
  torch::Tensor forward(const torch::Tensor& x) const;

  /// Gives it the parameters `lora_a` [R, I], uniform in +- 1/sqrt(I), and `lora_b` [O, R], zero, so that at first the
  /// answers stay as they are. `init` is the layer's. At most once; rank > 0.
  void add_lora(int64_t rank, double scale, const Init& init);
  bool has_lora() const { return a_RI_.defined(); }
  const torch::Tensor& lora_a() const { return a_RI_; }
  const torch::Tensor& lora_b() const { return b_OR_; }

  /// W + scale B A, without a gradient; a tensor of its own.
  torch::Tensor merged() const;

 private:
  torch::Tensor a_RI_, b_OR_;
  double scale_ = 0;
};

}  // namespace heterodyne::nn
