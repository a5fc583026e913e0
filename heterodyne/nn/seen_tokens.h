// Seen tokens: what is computed for each token is computed for those alone that are not padding.
//
// Letters: B sequences, S tokens of a sequence, N tokens that are not padding, D width, O output width.
#pragma once

#include <functional>

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

/// [N, O] for the rows x_ND, which are the tokens token_N (int64, ascending, b x S + s) of the batch.
using AnswerOf = std::function<torch::Tensor(const torch::Tensor& x_ND, const torch::Tensor& token_N)>;

/// The answers of `answer` to the tokens of x_BSD, [B, S, O]; zeros at padding, where mask_BS (bool, may be undefined)
/// is false, which it is not asked about.
torch::Tensor answer_seen(const torch::Tensor& x_BSD, const torch::Tensor& mask_BS, const AnswerOf& answer);

}  // namespace heterodyne::nn
