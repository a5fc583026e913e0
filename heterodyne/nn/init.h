// Initial values of parameters, drawn from the stream of the parameter's name.
//
// fan_in is the product of all sizes but the first: inputs of a linear layer, channels x kernel of a convolution.
#pragma once

#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

enum class Scheme {
  kUniform,       // weight and bias U(-1/sqrt(fan_in), 1/sqrt(fan_in)): the frameworks' default
  kHeNormal,      // weight N(0, 2 / fan_in), bias 0 (He et al. 2015, equation 10)
  kXavierUniform  // weight U(-a, a), a = sqrt(6 / (fan_in + fan_out)), bias 0 (Glorot and Bengio 2010, equation 16)
};

/// float32 of shape `sizes`.
torch::Tensor initial_weight(Scheme scheme, const Init& init, torch::IntArrayRef sizes);
/// float32 [size].
torch::Tensor initial_bias(Scheme scheme, const Init& init, int64_t size, int64_t fan_in);
/// float32 in [-bound, bound).
torch::Tensor initial_uniform(const Init& init, torch::IntArrayRef sizes, double bound);

}  // namespace heterodyne::nn
