// A loop over the experts with a mask of all pairs: gather, three products, weighted index_add. The way that plain
// model code computes Mixtures of Experts.
#include <ATen/ops/one_hot.h>
#include <ATen/ops/where.h>

#include "cli/bench/rival.h"

namespace heterodyne {
namespace {

class NaiveLoop : public Rival {
 public:
  explicit NaiveLoop(const RivalValues& values) : k_(values.k), gate_ED_(leaf(values.gate_ED)) {
    for (int64_t e = 0; e < values.num_experts(); ++e)
      experts_.push_back({leaf(values.w1_EFD[e]), leaf(values.w3_EFD[e]), leaf(values.w2_EDF[e])});
  }

  torch::Tensor forward(const torch::Tensor& x_TD) override {
    const auto [expert_TK, weight_TK] = plain_choice(x_TD, gate_ED_, k_);
    const auto mask_EKT = at::one_hot(expert_TK, num_experts()).permute({2, 1, 0});
    auto y_TD = torch::zeros_like(x_TD);
    for (int64_t e = 0; e < num_experts(); ++e) {
      const auto found = at::where(mask_EKT[e]);
      const auto &choice_n = found[0], &token_n = found[1];
      if (token_n.size(0) == 0) continue;
      const auto answer_nD = experts_[static_cast<size_t>(e)].forward(x_TD.index_select(0, token_n));
      y_TD = y_TD.index_add(0, token_n, answer_nD * weight_TK.index({token_n, choice_n}).unsqueeze(1));
    }
    return y_TD;
  }

 private:
  int64_t num_experts() const { return static_cast<int64_t>(experts_.size()); }

  int64_t k_;
  torch::Tensor gate_ED_;
  std::vector<PlainExpert> experts_;
};

}  // namespace

RivalKind rival_kind_naive_loop() { return rival_kind<NaiveLoop>("a mask of all pairs and a loop over the experts"); }

}  // namespace heterodyne
