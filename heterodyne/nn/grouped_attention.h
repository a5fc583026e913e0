// Causal self-attention in which groups of query heads share keys and values (grouped-query attention: Ainslie et al.
// 2023) with rotary positions: the attention of LLaMA and of what followed it. Where asked for it has biases, queries
// and keys are normalised (Henry et al. 2020), scores may sink (Xiao et al. 2023), and tokens see a window of keys
// alone (Beltagy et al. 2020). Every token asks; attention.h is for the case in which some do.
//
// Letters: B sequences, S tokens of a sequence, P tokens before them, D width, H query heads, G key and value heads,
//          C features of a head.
#pragma once

#include <memory>
#include <string>

#include "heterodyne/nn/growing.h"
#include "heterodyne/nn/lora_linear.h"
#include "heterodyne/nn/norm.h"
#include "heterodyne/nn/rotary.h"

namespace heterodyne::nn {

struct GroupedAttentionOptions {
  int64_t width = 0;       // D
  int64_t heads = 1;       // H
  int64_t kv_heads = 1;    // G, divides H
  int64_t head_width = 0;  // C
  bool qkv_bias = false;
  bool output_bias = false;
  std::string query_norm = "none";  // root mean square norm of queries and keys: none, head (each its own), row
  double norm_eps = 1e-6;           // of that norm
  bool sinks = false;  // each query head has a learned score that takes part in the softmax and adds nothing
  int64_t window = 0;  // a token sees so many keys at most, its own included; 0: all
};

/// Keys, turned to their positions, and values of a text so far; undefined at its beginning.
struct AttentionPast {
  Growing key_BGPC, value_BGPC;  // along P
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
  torch::Tensor answer(const torch::Tensor& query_BHSC, const AttentionPast& seen, const torch::Tensor& mask_BS) const;

  GroupedAttentionOptions options_;
  std::shared_ptr<LoraLinear> query_, key_, value_, output_;
  std::shared_ptr<RmsNorm> query_norm_, key_norm_;  // null without norms
  torch::Tensor sink_H_;                            // undefined without sinks
};

}  // namespace heterodyne::nn
