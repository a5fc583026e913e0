// Compact weights: a network whose matrices take half or a quarter of float32's memory, for inference.
#pragma once

#include "heterodyne/base/torch.h"
#include "heterodyne/ops/compact/compact_matrix.h"

namespace heterodyne {

struct CompactReport {
  int64_t num_matrices = 0;
  int64_t bytes_before = 0, bytes_after = 0;  // of all parameters
};

/// Makes the matrices of linear layers, experts among them, and of embeddings compact (nn::Weight::compact()), in a
/// network or a part of one. Routers, norms, biases, convolutions and recurrent layers stay as they are: they are
/// small, or decide what is computed. The module answers without gradients from here on and cannot be saved. Throws
/// ConfigError for one that is not of float32.
CompactReport compact_weights(torch::nn::Module& module, ops::Compact format);

}  // namespace heterodyne
