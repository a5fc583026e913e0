// The squared distance of the experts' shares of the weights from 1 / E: sum of (u_e - 1 / E)^2, where u_e is the sum
// of the weights with which e was chosen, its size where it is negative, divided by the sum over all experts. From 0 at
// perfect balance to 1 - 1 / E when one expert has everything.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class L2Share : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit L2Share(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    constexpr double kTiny = 1e-20;
    const auto importance_E = importance_of(input.routing).abs();  // some routers weigh with numbers of either sign
    const auto sum = importance_E.sum();
    // Where nothing was chosen there is nothing to share out.
    const auto even = (sum > 0).to(sum.scalar_type()) / static_cast<double>(input.routing.num_experts());
    return (importance_E / sum.clamp_min(kTiny) - even).pow(2).sum();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_l2_share() {
  return balancer_kind<L2Share>("squared distance of the shares of weight from even ones", true);
}

}  // namespace heterodyne
