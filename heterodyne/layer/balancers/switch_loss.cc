// The load-balancing loss of the Switch Transformer (Fedus et al. 2021, equations 4 to 6): E times the sum over
// experts of (share of assignments) x (mean probability). Its gradient flows through the probabilities alone.
//
// The shares are those of the batch, of each sequence by itself (DeepSeek-V3, arXiv 2412.19437, equations 17 to 20),
// or of the whole step so far (Qiu et al. 2025, arXiv 2501.11873), which lets single batches be of one domain.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class SwitchLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    std::string normalize = "by_k";
    std::string scope = "micro_batch";
    void visit(Fields& field) {
      field("weight", weight, "what the loss is multiplied by", at_least(0));
      field("normalize", normalize,
            "by_k: shares of the assignments, 1 at perfect balance; raw: assignments per token, k at perfect balance, "
            "as DMMoE publishes it",
            one_of("by_k", "raw"));
      field("scope", scope,
            "whose shares and probabilities are multiplied: those of a batch, of each sequence by itself, or the "
            "shares of the step's batches so far with the batch's probabilities",
            one_of("micro_batch", "sequence", "global_batch"));
    }
  };

  explicit SwitchLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    if (options_.scope == "sequence") return loss_of_sequences(input.routing);
    const auto mean_prob_E = mean_over_tokens(input.routing.prob_TE, input.routing);
    return static_cast<double>(input.routing.num_experts()) * (share(input).to(mean_prob_E) * mean_prob_E).sum();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.probabilities = true}; }

 private:
  // float64 [E]
  torch::Tensor share(const BalanceInput& input) const {
    auto count_E = input.routing.plan.tokens_per_expert_E.to(torch::kFloat64);
    auto num_tokens = static_cast<double>(input.routing.num_counted_tokens());
    if (options_.scope == "global_batch" && !input.sums_before.empty()) {
      count_E = count_E + input.sums_before.at("assignments_E");
      num_tokens += input.sums_before.at("tokens").item<double>();
    }
    const double whole = options_.normalize == "raw" ? num_tokens : count_E.sum().item<double>();
    return count_E / std::max(whole, 1.0);
  }

  // The mean over the sequences that have tokens which count.
  torch::Tensor loss_of_sequences(const Routing& routing) const {
    const int64_t B = std::max<int64_t>(routing.num_sequences, 1), E = routing.num_experts();
    HETERODYNE_DCHECK(routing.num_tokens() % B == 0);
    const int64_t S = routing.num_tokens() / B;
    const auto& prob_TE = routing.prob_TE;
    const auto counts_TE = chosen_of(routing).to(prob_TE.scalar_type());
    auto counted_T1 = torch::ones({routing.num_tokens(), 1}, counts_TE.options());
    auto seen_TE = prob_TE;
    if (routing.mask_T.defined()) {
      const auto is_padding_T1 = routing.mask_T.logical_not().unsqueeze(1);
      counted_T1 = counted_T1.masked_fill(is_padding_T1, 0);
      seen_TE = seen_TE.masked_fill(is_padding_T1, 0);
    }
    const auto sum_B = [&](const torch::Tensor& value) { return value.view({B, S, value.size(1)}).sum(1); };
    const auto tokens_B1 = sum_B(counted_T1), count_BE = sum_B(counts_TE);
    const auto whole_B1 = options_.normalize == "raw" ? tokens_B1 : count_BE.sum(1, true);
    const auto product_BE = count_BE / whole_B1.clamp_min(1) * (sum_B(seen_TE) / tokens_B1.clamp_min(1));
    const double num_counted = std::max((tokens_B1 > 0).sum().item<double>(), 1.0);
    return product_BE.sum() * (static_cast<double>(E) / num_counted);
  }

  Options options_;
};

}  // namespace

BalancerKind balancer_kind_switch_loss() {
  return balancer_kind<SwitchLoss>("experts x sum of load share x mean probability (Switch Transformer)", true);
}

}  // namespace heterodyne
