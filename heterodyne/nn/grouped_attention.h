// Causal self-attention in which groups of query heads share keys and values (grouped-query attention: Ainslie et al.
// 2023), with rotary positions and without biases: the attention of LLaMA. Every token asks; attention.h is for the
// case in which some do.
//
// Letters: B sequences, S tokens of a sequence, P tokens before them, D width, H query heads, G key and value heads,
//          C features of a head.
#pragma once

#include <memory>

#include "heterodyne/nn/linear.h"
#include "heterodyne/nn/rotary.h"

namespace heterodyne::nn {

struct GroupedAttentionOptions {
  int64_t width = 0;       // D
  int64_t heads = 1;       // H
  int64_t kv_heads = 1;    // G, divides H
  int64_t head_width = 0;  // C
};

/// Keys, turned to their positions, and values of a text so far; undefined at its beginning.
struct AttentionPast {
  torch::Tensor key_BGPC, value_BGPC;
};

class GroupedAttention : public torch::nn::Module {
 public:
  /// Throws ConfigError unless kv_heads divides heads.
  GroupedAttention(const GroupedAttentionOptions& options, const Init& init);

  struct Output {
    torch::Tensor y_BSD;
    AttentionPast past;  // with these tokens
  };

  /// A token sees `past`, itself and what came before it, but for the keys where mask_BS (bool, of these tokens; may be
  /// undefined) is false; itself it always sees. `rotation` is that of the tokens' positions. Throws ShapeError unless
  /// x_BSD is [B, S, D].
  Output forward(const torch::Tensor& x_BSD, const Rotation& rotation, const torch::Tensor& mask_BS = {},
                 const AttentionPast& past = {}) const;

  /// Multiply-adds of one token that sees so many keys, itself included.
  double macs(double num_keys) const;

 private:
  GroupedAttentionOptions options_;
  std::shared_ptr<Linear> query_, key_, value_, output_;
};

}  // namespace heterodyne::nn
