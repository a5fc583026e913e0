// Row attention: some rows of a batch of sequences ask, all rows of their own sequence answer.
//
// This is scaled dot-product attention (Vaswani et al. 2017, equation 1) for queries that are scattered over the
// batch, as an expert sees them that only some tokens chose. No row is computed that did not ask.
//
// Letters: B sequences, S tokens of a sequence, N asking rows, H heads, D = H x head width.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

struct RowAttentionInput {
  torch::Tensor query_ND;
  torch::Tensor key_value_BS2D;  // keys in the first D columns, values in the last D
  torch::Tensor token_N;         // int64, ascending: row n asks in sequence token_N[n] / S
  torch::Tensor mask_BS;         // bool, false keys are not seen; undefined: all are
  torch::Tensor keep_NHS;        // factors on the attention weights (dropout), same dtype; undefined: none
  int64_t num_heads = 1;
  bool is_causal = false;  // a row sees no key behind its own token
};

/// [N, D], float32 or float64, CPU. A row whose keys are all masked gets zeros.
/// Gradients for query and key_value; summed in order of rows, so the bits are the same for any number of threads.
/// Memory for the backward pass: N x H x S weights. Throws ShapeError when a tensor does not fit.
torch::Tensor row_attention(const RowAttentionInput& input);

}  // namespace heterodyne::ops
