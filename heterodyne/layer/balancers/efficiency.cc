// The efficiency loss, the last term of DynMoE's code (Guo et al. 2024, arXiv 2405.14297): the share of all (token,
// expert) pairs that are assignments, so that a token asks for few experts. Its gradient is that of the router's own
// estimate of the loads, Routing::load_E; of a router without one it is a number to watch.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class EfficiencyLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit EfficiencyLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    const auto load_E =
        routing.load_E.defined() ? routing.load_E : routing.plan.tokens_per_expert_E.to(routing.weight_N.scalar_type());
    return load_E.mean() / static_cast<double>(std::max<int64_t>(routing.num_counted_tokens(), 1));
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_efficiency() {
  return balancer_kind<EfficiencyLoss>("share of all pairs of token and expert that are assignments (DynMoE)");
}

}  // namespace heterodyne
