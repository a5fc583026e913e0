// Every expert on every token, then the sum with a weight of zero where the token did not choose the expert. Costs
// E / k times as much as it must; it is the plain definition that other dispatchers are compared with.
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
    auto y_TO = torch::zeros({x_TD.size(0), call.output_width}, x_TD.options());
    for (size_t e = 0; e < call.experts.size(); ++e) {
      const auto answer_TO =
          call.experts[e]->forward({x_TD, all_T, call.x_BSD, call.mask_BS, call.random, call.past_BSD});
      y_TO = y_TO + weight_TE.select(1, static_cast<int64_t>(e)).unsqueeze(1).to(answer_TO.scalar_type()) * answer_TO;
    }
    return y_TO;
  }

  torch::Tensor executed_rows(const torch::Tensor& tokens_per_expert_E, double num_tokens) const override {
    return torch::full_like(tokens_per_expert_E, num_tokens);
  }
};

}  // namespace

DispatcherKind dispatcher_kind_dense() {
  return dispatcher_kind<DenseDispatcher>("every expert on every token: slow, the reference for the others");
}

}  // namespace heterodyne
