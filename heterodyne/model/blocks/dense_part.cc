#include "heterodyne/model/blocks/dense_part.h"

#include "heterodyne/nn/seen_tokens.h"

namespace heterodyne {

torch::Tensor dense_answer(Expert& expert, const torch::Tensor& x_BSD, const torch::Tensor& mask_BS, RandomKey random) {
  return nn::answer_seen(x_BSD, mask_BS, [&](const torch::Tensor& x_ND, const torch::Tensor& token_N) {
    return expert.forward({x_ND, token_N, x_BSD, mask_BS, random});
  });
}

}  // namespace heterodyne
