// Linear: y = x W^T + b, with initial values from named streams.
#pragma once

#include "heterodyne/nn/init.h"
#include "heterodyne/nn/weight.h"

namespace heterodyne::nn {

struct LinearOptions {
  int64_t inputs = 0;
  int64_t outputs = 0;
  bool bias = true;
  Scheme scheme = Scheme::kUniform;
};

class Linear : public torch::nn::Module {
 public:
  Linear(const LinearOptions& options, const Init& init);

  /// [..., inputs] to [..., outputs], any floating dtype equal to the parameters'.
  torch::Tensor forward(const torch::Tensor& x) const { return weight_.apply(x, bias_); }

  Weight& weight() { return weight_; }
  const Weight& weight() const { return weight_; }
  const torch::Tensor& bias() const { return bias_; }
  /// Multiply-adds for one row.
  double macs() const { return static_cast<double>(weight_.num_values()); }

 private:
  Weight weight_;
  torch::Tensor bias_;
};

}  // namespace heterodyne::nn
