// Cached attention: the last few tokens of texts ask, all tokens so far answer (Vaswani et al. 2017, equation 1, with
// the shared keys of Ainslie et al. 2023), as when text is made token by token. Keys and values are read once, as they
// lie, for all query heads that share them.
//
// Letters: B sequences, S tokens that ask, P all tokens so far with those, H query heads, G key and value heads,
//          C features of a head.
#pragma once

#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

struct CachedAttentionInput {
  torch::Tensor query_BHSC;                         // of the last S tokens
  std::vector<torch::Tensor> key_BGPC, value_BGPC;  // in parts, one behind the other along P; any strides but of C
  int64_t window = 0;                               // a token sees so many keys at most, its own included; 0: all
  torch::Tensor sink_H = {};  // scores that take part in the softmax and add nothing (Xiao et al. 2023); or undefined
};

/// Whether cached_attention() takes these here: few tokens, float32 on a CPU, no gradients recorded, a kernel path in
/// use (isa.h).
bool can_run_cached_attention(const CachedAttentionInput& input);

/// [B, H, S, C]: each token sees itself and what came before it; scores are divided by the root of C. No gradient. The
/// same bits for any number of threads. Throws ShapeError when a tensor does not fit.
torch::Tensor cached_attention(const CachedAttentionInput& input);

}  // namespace heterodyne::ops
