// Every expert on every token, then the sum with a weight of zero (the mixture with that) where the token did not
// choose the expert. Costs
// E / k times as much as it must; it is the plain definition that other dispatchers are compared with.
#include <limits>

#include "heterodyne/layer/dispatcher.h"

namespace heterodyne {
namespace {

class DenseDispatcher : public Dispatcher {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  explicit DenseDispatcher(const Options&) {}

  torch::Tensor run(const ExpertCall& call, const Routing& routing) override {
    const auto x_TD = call.x_TD();
    const auto all_T = torch::arange(x_TD.size(0));
    const auto& plan = routing.plan;
    auto weight_TE = torch::zeros({plan.num_tokens(), plan.num_experts()}, routing.weight_N.options());
    weight_TE = weight_TE.index_put({plan.token_N, plan.expert_N}, routing.weight_N, true);
    std::vector<torch::Tensor> answers;
    for (const auto& expert : call.experts)
      answers.push_back(expert->forward({x_TD, all_T, call.x_BSD, call.mask_BS, call.random, call.past_BSD}));
    weight_TE = weight_TE.to(answers.front().scalar_type());
    return call.is_log_mixture ? log_mixture(answers, weight_TE) : sum(answers, weight_TE);
  }

  torch::Tensor executed_rows(const torch::Tensor& tokens_per_expert_E, double num_tokens) const override {
    return torch::full_like(tokens_per_expert_E, num_tokens);
  }

 private:
  static torch::Tensor sum(const std::vector<torch::Tensor>& answers, const torch::Tensor& weight_TE) {
    auto y_TO = torch::zeros_like(answers.front());
    for (size_t e = 0; e < answers.size(); ++e)
      y_TO = y_TO + weight_TE.select(1, static_cast<int64_t>(e)).unsqueeze(1) * answers[e];
    return y_TO;
  }

  static torch::Tensor log_mixture(const std::vector<torch::Tensor>& answers, const torch::Tensor& weight_TE) {
    const auto is_absent_TE = (weight_TE > 0).logical_not();
    const auto has_none_T11 = is_absent_TE.all(1, true).unsqueeze(2);
    const auto log_weight_TE = weight_TE.masked_fill(is_absent_TE, 1).log();
    // A token without experts is given equal ones and its result cleared: the gradient of log 0 is no number.
    const auto is_left_out_TE1 = is_absent_TE.unsqueeze(2).logical_and(has_none_T11.logical_not());
    const auto term_TEO = (torch::stack(answers, 1) + log_weight_TE.unsqueeze(2))
                              .masked_fill(is_left_out_TE1, -std::numeric_limits<double>::infinity());
    return term_TEO.logsumexp(1).masked_fill(has_none_T11.squeeze(2), 0);
  }
};

}  // namespace

DispatcherKind dispatcher_kind_dense() {
  return dispatcher_kind<DenseDispatcher>("every expert on every token: slow, the reference for the others");
}

}  // namespace heterodyne
