// A loss against large experts: sum over experts of (its share of all experts' parameters) x (share of tokens that
// chose it) x (mean probability). HEMoE uses it for experts of unequal sizes, of which a token gets a fixed number, so
// that nothing else speaks for the small ones. Published, it is multiplied by the number of tokens of the batch (per =
// batch), with weight 5e-4 and batches of about 1600 tokens: 0.8 for each token.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class SizePenalty : public Balancer {
 public:
  struct Options {
    double weight = 0.8;
    std::string per = "token";
    bool straight_through = false;
    void visit(Fields& field) {
      field("weight", weight, "what the loss is multiplied by", at_least(0));
      field("per", per, "token: does not grow with the batch; batch: the sum over its tokens, as published",
            one_of("token", "batch"));
      field("straight_through", straight_through,
            "whether the share of tokens passes its gradient to the probabilities of the chosen, as published");
    }
  };

  explicit SizePenalty(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    const auto& prob_TE = routing.prob_TE;
    auto chosen_TE = chosen_of(routing).to(prob_TE.scalar_type());
    if (options_.straight_through) chosen_TE = chosen_TE * (1 + prob_TE - prob_TE.detach());
    const auto share_E = mean_over_tokens(chosen_TE, routing), mean_prob_E = mean_over_tokens(prob_TE, routing);
    const auto penalty = (size_of(input).to(mean_prob_E) * share_E * mean_prob_E).sum();
    return options_.per == "batch" ? penalty * static_cast<double>(routing.num_counted_tokens()) : penalty;
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.probabilities = true}; }

 private:
  // Shares of all parameters, float64 [E].
  static torch::Tensor size_of(const BalanceInput& input) {
    std::vector<double> size(static_cast<size_t>(input.routing.num_experts()), 1);
    HETERODYNE_DCHECK(input.experts.empty() || input.experts.size() == size.size());
    for (size_t e = 0; e < input.experts.size(); ++e) size[e] = static_cast<double>(input.experts[e].num_params);
    const auto size_E = torch::tensor(size, torch::kFloat64);
    return size_E / size_E.sum().clamp_min(1);
  }

  Options options_;
};

}  // namespace

BalancerKind balancer_kind_size_penalty() {
  return balancer_kind<SizePenalty>("sum of parameter share x load share x mean probability: against large experts");
}

}  // namespace heterodyne
