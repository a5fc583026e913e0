// Room for a limited number of tokens at each expert: C = ceil(factor x choices / E), where `choices` counts the pairs
// of the batch, so that perfect balance with factor 1 fills every expert (Lepikhin et al. 2020, GShard, arXiv
// 2006.16668, section 2.2; Fedus et al. 2021, equation 3). All first choices are served before any second one. A pair
// without room is left out; the weights of the token's other pairs stay as they are.
#include <ATen/ops/argsort.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/layer/dispatcher.h"

namespace heterodyne {
namespace {

class CapacityDispatcher : public Dispatcher {
 public:
  struct Options {
    double factor = 1.25;
    double eval_factor = 0;
    int64_t minimum = 1;
    std::string drop = "position";
    Member inner{Table{{"kind", "local"}}};
    void visit(Fields& field) {
      field("factor", factor, "room for this many times the pairs of an even load, in training", more_than(0));
      field("eval_factor", eval_factor, "the same in evaluation; 0: no limit", at_least(0));
      field("minimum", minimum, "the least room an expert has", at_least(1));
      field("drop", drop,
            "who is left out, among equal choices: the last of the batch, those of the lowest weight (V-MoE's "
            "batch-prioritised routing), or anybody",
            one_of("position", "probability", "random"));
      field("inner", inner, "carries what there is room for", member_of(dispatchers()));
    }
  };

  explicit CapacityDispatcher(const Options& options) : options_(options), inner_(dispatchers().make(options.inner)) {}

  Routing admit(Routing routing, const AdmitContext& context) const override {
    routing = inner_->admit(std::move(routing), context);
    const double factor = context.training ? options_.factor : options_.eval_factor;
    const int64_t N = routing.num_pairs(), C = room(factor, N, routing.num_experts());
    const int64_t largest = routing.plan.tokens_per_expert_E.max().item<int64_t>();
    if (factor == 0 || largest <= C) return routing;
    const auto keep_N = rank_in_expert(routing, context) < C;
    Routing kept = with_pairs(routing, keep_N);
    kept.num_dropped += N - kept.num_pairs();
    return kept;
  }

  torch::Tensor run(const ExpertCall& call, const Routing& routing) override { return inner_->run(call, routing); }

  torch::Tensor executed_rows(const torch::Tensor& tokens_per_expert_E, double num_tokens) const override {
    return inner_->executed_rows(tokens_per_expert_E, num_tokens);
  }

 private:
  // A product like 1.1 x 20 / 2 must not be rounded up for lying an ulp above 11.
  int64_t room(double factor, int64_t num_pairs, int64_t num_experts) const {
    constexpr double kUlps = 1e-9;
    const double even = static_cast<double>(num_pairs) / static_cast<double>(num_experts);
    return std::max(options_.minimum, static_cast<int64_t>(std::ceil(factor * even * (1 - kUlps))));
  }

  // int64 [N]: how many pairs are served before this one by the same expert.
  torch::Tensor rank_in_expert(const Routing& routing, const AdmitContext& context) const {
    const auto& plan = routing.plan;
    // Stable sorts by the least important key first; the plan's own order is by expert, then token.
    auto order_N = torch::arange(plan.num_pairs());
    const auto sort_by = [&](const torch::Tensor& key_N) {
      order_N = order_N.index_select(0, at::argsort(key_N.index_select(0, order_N), true, 0, false));
    };
    if (options_.drop == "probability") sort_by(-routing.weight_N.detach());
    if (options_.drop == "random") sort_by(draws(routing, context));
    sort_by(plan.choice_N);
    sort_by(plan.expert_N);
    const auto first_E = plan.tokens_per_expert_E.cumsum(0) - plan.tokens_per_expert_E;
    const auto rank_N = torch::arange(plan.num_pairs()) - first_E.index_select(0, plan.expert_N);
    return torch::empty_like(order_N).index_copy_(0, order_N, rank_N);
  }

  // One for each pair, addressed by token and choice.
  static torch::Tensor draws(const Routing& routing, const AdmitContext& context) {
    const auto& plan = routing.plan;
    const RandomStream stream("capacity." + context.layer);
    const int64_t K = plan.choice_N.max().item<int64_t>() + 1;
    return stream.uniform_rows(context.random, plan.token_N, K).gather(1, plan.choice_N.unsqueeze(1)).squeeze(1);
  }

  Options options_;
  std::shared_ptr<Dispatcher> inner_;
};

}  // namespace

DispatcherKind dispatcher_kind_capacity() {
  return dispatcher_kind<CapacityDispatcher>("limited room at each expert, what finds none is left out", true);
}

}  // namespace heterodyne
