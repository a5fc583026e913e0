// Embedding: a row of features for each symbol, with initial values from named streams.
#pragma once

#include "heterodyne/nn/init.h"
#include "heterodyne/nn/weight.h"

namespace heterodyne::nn {

class Embedding : public torch::nn::Module {
 public:
  /// Values start in N(0, 1 / width): a row's expected norm is 1.
  Embedding(int64_t num_symbols, int64_t width, const Init& init);

  /// id, int64 of any shape [...], to [..., width]. Throws ShapeError unless 0 <= id < num_symbols.
  torch::Tensor forward(const torch::Tensor& id) const;
  /// [symbols, width]: a language model's head may multiply by it too.
  const Weight& weight() const { return weight_; }
  Weight& weight() { return weight_; }

 private:
  Weight weight_;
};

}  // namespace heterodyne::nn
