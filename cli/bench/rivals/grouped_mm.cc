// Rows sorted by expert and LibTorch's grouped product over them, then sorted back and summed with their weights.
#include <ATen/ops/_grouped_mm.h>
#include <ATen/ops/silu.h>

#include "cli/bench/rival.h"

namespace heterodyne {
namespace {

class GroupedMm : public Rival {
 public:
  explicit GroupedMm(const RivalValues& values)
      : values_{leaf(values.gate_ED), leaf(values.w1_EFD), leaf(values.w3_EFD), leaf(values.w2_EDF), values.k} {}

  torch::Tensor forward(const torch::Tensor& x_TD) override {
    const auto [expert_TK, weight_TK] = plain_choice(x_TD, values_.gate_ED, values_.k);
    const int64_t T = x_TD.size(0), D = x_TD.size(1);
    const auto expert_N = expert_TK.reshape(-1);
    const auto order_N = expert_N.argsort(true, 0, false);
    const auto end_E = expert_N.bincount({}, values_.num_experts()).cumsum(0).to(torch::kInt32);
    const auto x_ND = x_TD.index_select(0, order_N.floor_divide(values_.k));
    const auto product = [&](const torch::Tensor& rows, const torch::Tensor& matrix) {
      return at::_grouped_mm(rows, matrix.transpose(1, 2), end_E);
    };
    const auto hidden_NF = at::silu(product(x_ND, values_.w1_EFD)) * product(x_ND, values_.w3_EFD);
    const auto answer_ND = product(hidden_NF, values_.w2_EDF);
    const auto back_N = order_N.argsort();
    return (answer_ND.index_select(0, back_N).view({T, values_.k, D}) * weight_TK.unsqueeze(2)).sum(1);
  }

 private:
  RivalValues values_;
};

}  // namespace

RivalKind rival_kind_grouped_mm() {
  return rival_kind<GroupedMm>("sorted rows and LibTorch's grouped product", false, 4);
}

}  // namespace heterodyne
