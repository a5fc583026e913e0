// Undrawn: modules whose values are written at once from elsewhere - a checkpoint, another library's file, the expert
// that a newcomer copies - are made without drawing first values, which takes longer than copying them.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

/// While one of these lives, this thread's initial_weight(), initial_bias(), initial_uniform() and embeddings leave
/// their values unset (NaN in builds that check); who holds it writes every one of them before it is read.
class Undrawn {
 public:
  Undrawn();
  ~Undrawn();
  Undrawn(const Undrawn&) = delete;
  Undrawn& operator=(const Undrawn&) = delete;

 private:
  bool before_;
};

/// Whether an Undrawn lives in this thread.
bool is_undrawn();

/// float32 of shape `sizes`, unset.
torch::Tensor undrawn_values(torch::IntArrayRef sizes);

}  // namespace heterodyne::nn
