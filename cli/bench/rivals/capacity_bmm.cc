// Experts as one batched product over buffers of equal size (Lepikhin et al. 2021, "GShard"): a pair's place in its
// expert's buffer is a running sum over one-hot rows, buffers are padded to the largest load, so that nothing is
// dropped.
#include <ATen/ops/bmm.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/silu.h>

#include "cli/bench/rival.h"

namespace heterodyne {
namespace {

class CapacityBmm : public Rival {
 public:
  explicit CapacityBmm(const RivalValues& values)
      : values_{leaf(values.gate_ED), leaf(values.w1_EFD), leaf(values.w3_EFD), leaf(values.w2_EDF), values.k} {}

  torch::Tensor forward(const torch::Tensor& x_TD) override {
    const auto [expert_TK, weight_TK] = plain_choice(x_TD, values_.gate_ED, values_.k);
    const int64_t T = x_TD.size(0), D = x_TD.size(1), E = values_.num_experts(), K = values_.k;
    const auto expert_N = expert_TK.reshape(-1);
    const auto one_hot_NE = at::one_hot(expert_N, E);
    const auto place_N = one_hot_NE.cumsum(0).gather(1, expert_N.unsqueeze(1)).squeeze(1) - 1;
    const int64_t C = place_N.max().item<int64_t>() + 1;
    const auto row_N = expert_N * C + place_N;
    const auto x_ND = x_TD.unsqueeze(1).expand({T, K, D}).reshape({T * K, D});
    const auto buffer_ECD = torch::zeros({E * C, D}, x_TD.options()).index_copy(0, row_N, x_ND).view({E, C, D});
    const auto hidden_ECF = at::silu(at::bmm(buffer_ECD, values_.w1_EFD.transpose(1, 2))) *
                            at::bmm(buffer_ECD, values_.w3_EFD.transpose(1, 2));
    const auto answer_ECD = at::bmm(hidden_ECF, values_.w2_EDF.transpose(1, 2));
    const auto answer_TKD = answer_ECD.view({E * C, D}).index_select(0, row_N).view({T, K, D});
    return (answer_TKD * weight_TK.unsqueeze(2)).sum(1);
  }

 private:
  RivalValues values_;
};

}  // namespace

RivalKind rival_kind_capacity_bmm() {
  return rival_kind<CapacityBmm>("buffers padded to the largest load and batched products");
}

}  // namespace heterodyne
