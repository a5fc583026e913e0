// The dispatcher of the sparsely gated layer (Shazeer et al. 2017) in its usual plain form: a dense matrix of gates,
// its entries that are not zero sorted by expert, a split, the experts, and one weighted index_add of all answers.
#include <ATen/ops/cat.h>

#include "cli/bench/rival.h"

namespace heterodyne {
namespace {

class SparseDispatcher : public Rival {
 public:
  explicit SparseDispatcher(const RivalValues& values) : k_(values.k), gate_ED_(leaf(values.gate_ED)) {
    for (int64_t e = 0; e < values.num_experts(); ++e)
      experts_.push_back({leaf(values.w1_EFD[e]), leaf(values.w3_EFD[e]), leaf(values.w2_EDF[e])});
  }

  torch::Tensor forward(const torch::Tensor& x_TD) override {
    const auto [expert_TK, weight_TK] = plain_choice(x_TD, gate_ED_, k_);
    const auto gate_TE = torch::zeros({x_TD.size(0), num_experts()}, x_TD.options()).scatter(1, expert_TK, weight_TK);
    const auto pair_N2 = gate_TE.detach().nonzero();
    const auto order_N = std::get<1>(pair_N2.select(1, 1).sort(true, 0, false));
    const auto token_N = pair_N2.select(1, 0).index_select(0, order_N);
    const auto expert_N = pair_N2.select(1, 1).index_select(0, order_N);
    const auto count_E = gate_TE.detach().gt(0).sum(0);
    const auto rows = x_TD.index_select(0, token_N)
                          .split_with_sizes(std::vector<int64_t>(count_E.const_data_ptr<int64_t>(),
                                                                 count_E.const_data_ptr<int64_t>() + count_E.numel()));
    std::vector<torch::Tensor> answers;
    for (size_t e = 0; e < rows.size(); ++e) {
      if (rows[e].size(0) > 0) answers.push_back(experts_[e].forward(rows[e]));
    }
    const auto weighted_ND = at::cat(answers) * gate_TE.index({token_N, expert_N}).unsqueeze(1);
    return torch::zeros_like(x_TD).index_add(0, token_N, weighted_ND);
  }

 private:
  int64_t num_experts() const { return static_cast<int64_t>(experts_.size()); }

  int64_t k_;
  torch::Tensor gate_ED_;
  std::vector<PlainExpert> experts_;
};

}  // namespace

RivalKind rival_kind_sparse_dispatcher() {
  return rival_kind<SparseDispatcher>("a dense matrix of gates, sorted, split and added back");
}

}  // namespace heterodyne
