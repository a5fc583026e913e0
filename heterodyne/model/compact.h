// Compact weights: a network of whose matrices those that do not learn take half or a quarter of float32's memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/torch.h"
#include "heterodyne/nn/weight.h"
#include "heterodyne/ops/compact/compact_matrix.h"

namespace heterodyne {

struct CompactReport {
  int64_t num_matrices = 0;
  int64_t bytes_before = 0, bytes_after = 0;  // of all parameters
};

/// Which matrices become compact: all, for who only uses the module; or those of linear layers and embeddings of which
/// no parameter requires a gradient, so that the others go on learning. Experts are frozen when all of their layer are.
enum class CompactScope { kAll, kFrozen };

/// Makes the matrices of linear layers, experts among them, and of embeddings compact (nn::Weight::compact()), in a
/// network or a part of one. Routers, norms, biases, convolutions and recurrent layers stay as they are: they are
/// small, or decide what is computed. In kBf16 the module can be saved and loaded as before (load.h). Throws
/// ConfigError for one that is not of float32.
CompactReport compact_weights(torch::nn::Module& module, ops::Compact format, CompactScope scope = CompactScope::kAll);

/// Matrices of linear layers, experts among them, that are neither of a router nor compact are multiplied as `format`
/// from here on, while their float32 values learn (nn::Weight::round_to()); those that do already stay. Embeddings are
/// looked up and multiplied as they are. Returns how many are. Throws ConfigError for one that is not of float32.
int64_t round_products(torch::nn::Module& module, ops::Compact format);

/// The weights that linear layers and embeddings hold, with the names of their parameters: "layers.0.w1.weight".
std::vector<std::pair<std::string, nn::Weight*>> weights_of(const torch::nn::Module& module);

}  // namespace heterodyne
