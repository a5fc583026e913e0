// Top-k: the k largest scores of each row, with ties going to the lowest position.
//
// Letters: T rows (tokens), E columns (experts), K choices.
#pragma once

#include <string>

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// int64 [T, K]: the columns of the k largest entries of each row of score_TE (float32 or float64, CPU), largest
/// first. Equal entries are ordered by position, so the result does not depend on threads or on the library's
/// sorting. No gradient; gather the scores at these columns for one.
/// Throws ShapeError unless 1 <= k <= E, and Error naming `where` and the first row that holds a NaN.
torch::Tensor top_k(const torch::Tensor& score_TE, int64_t k, const std::string& where);

}  // namespace heterodyne::ops
