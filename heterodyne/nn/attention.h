// Multi-head attention in which only some rows of a batch of sequences ask (Vaswani et al. 2017, section 3.2).
//
// Letters: B sequences, S tokens of a sequence, T = B x S, N asking rows, H heads, D width.
#pragma once

#include <memory>

#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne::nn {

struct AttentionOptions {
  int64_t width = 0;
  int64_t num_heads = 1;  // divides the width
  double dropout = 0;     // of attention weights
  Scheme output_scheme = Scheme::kUniform;
  bool is_causal = false;  // a row sees no token behind its own
};

class Attention : public torch::nn::Module {
 public:
  /// Query, key and value projections start as one Xavier-uniform [3 D, D] matrix would, biases at zero.
  /// Throws ConfigError unless num_heads divides width.
  Attention(const AttentionOptions& options, const Init& init);

  /// Answers [N, D] for the rows x_ND, which are the tokens token_N (int64, ascending) of x_BSD. Keys and values are
  /// made for every token of x_BSD but padding, where mask_BS (bool, may be undefined) is false: it is not seen.
  torch::Tensor forward(const torch::Tensor& x_ND, const torch::Tensor& token_N, const torch::Tensor& x_BSD,
                        const torch::Tensor& mask_BS, RandomKey key) const;

  /// Multiply-adds for one asking row in sequences of S tokens, without keys and values.
  double macs_per_row(int64_t S) const;
  /// Multiply-adds of keys and values for one token.
  double macs_per_token() const { return key_value_->macs(); }

 private:
  AttentionOptions options_;
  std::shared_ptr<Linear> query_, key_value_, output_;
  std::shared_ptr<Dropout> dropout_;
};

}  // namespace heterodyne::nn
