// The balance loss for any number of experts per token (the third term of DynMoE's code, and GShard's form of it: Guo
// et al. 2024, arXiv 2405.14297): E times the sum over experts of (mean weight) x (share of tokens that chose it), over
// the tokens that got an expert. The shares are constants; they sum to the mean number of experts per token, not to
// one, and with equal loads the loss is that number.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class WeightBalance : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit WeightBalance(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    const int64_t T = routing.num_tokens();
    const auto& offset_T1 = routing.plan.token_offset_T1;
    const auto has_any_T = offset_T1.narrow(0, 1, T) > offset_T1.narrow(0, 0, T);
    const auto num_routed = static_cast<double>(std::max<int64_t>(has_any_T.sum().item<int64_t>(), 1));
    const auto weight_E = importance_of(routing) / num_routed;
    const auto share_E = routing.plan.tokens_per_expert_E.to(weight_E.scalar_type()) / num_routed;
    return static_cast<double>(routing.num_experts()) * (weight_E * share_E).sum();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_weight_balance() {
  return balancer_kind<WeightBalance>("experts x sum of mean weight x load share, for any number of choices (DynMoE)",
                                      true);
}

}  // namespace heterodyne
