#include "heterodyne/nn/seen_tokens.h"

namespace heterodyne::nn {

torch::Tensor answer_seen(const torch::Tensor& x_BSD, const torch::Tensor& mask_BS, const AnswerOf& answer) {
  const int64_t B = x_BSD.size(0), S = x_BSD.size(1), T = B * S;
  const auto x_TD = x_BSD.flatten(0, 1);
  const auto token_N = mask_BS.defined() ? mask_BS.reshape(-1).nonzero().squeeze(1) : torch::arange(T);
  const bool is_all = token_N.size(0) == T;
  auto y_NO = answer(is_all ? x_TD : x_TD.index_select(0, token_N), token_N);
  const int64_t O = y_NO.size(1);
  if (!is_all) y_NO = y_NO.new_zeros({T, O}).index_copy(0, token_N, y_NO);
  return y_NO.view({B, S, O});
}

}  // namespace heterodyne::nn
