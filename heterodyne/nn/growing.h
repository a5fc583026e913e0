// Growing: a tensor to which a few rows are added again and again, as keys and values of a text that is written token
// by token, without a copy of all of it each time.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

/// What is there so far along one dimension: `old`, and behind it `recent`, which is short. Either may be undefined.
/// Nothing is ever written into them, so that two texts may go on from one past.
struct Growing {
  torch::Tensor old = {}, recent = {};

  int64_t size(int64_t dim) const;
  /// As one tensor; undefined when nothing is there.
  torch::Tensor joined(int64_t dim) const;
  /// With `more` behind it. Now and then, after some dozen rows, all of it is copied.
  Growing with(const torch::Tensor& more, int64_t dim) const;
};

}  // namespace heterodyne::nn
