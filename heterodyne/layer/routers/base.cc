// BASE (Lewis et al. 2021): in training the tokens of a batch are assigned to the experts so that every expert gets as
// many and the sum of the scores is the largest possible; in eval mode each token goes to its best expert. The weight
// is the sigmoid of the score, through which alone the gate learns.
#include "heterodyne/layer/gated_router.h"
#include "heterodyne/ops/assignment.h"

namespace heterodyne {
namespace {

constexpr double kGain = 0.1;

// [rows, columns] float64: the shorter of both directions is an orthonormal system (Gram and Schmidt, twice, which
// leaves rounding alone).
torch::Tensor orthogonal(const Init& init, int64_t rows, int64_t columns) {
  const bool is_wide = rows <= columns;
  auto basis_VN = init.stream().normal({init.seed, 0}, {std::min(rows, columns), std::max(rows, columns)});
  basis_VN = basis_VN.to(torch::kFloat64);
  for (int64_t i = 0; i < basis_VN.size(0); ++i) {
    auto vector_N = basis_VN[i];
    for (int64_t other = 0; other < 2 * i; ++other) {
      const auto done_N = basis_VN[other % i];
      vector_N.sub_(done_N * (done_N * vector_N).sum());
    }
    vector_N.div_(vector_N.norm());
  }
  return is_wide ? basis_VN : basis_VN.t();
}

class BaseRouter : public GatedRouter {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  BaseRouter(const Options&, const RouterContext& context) : GatedRouter("router.base", 1, context) {
    gate().weight().assign(kGain * orthogonal(context.init.at("gate.weight"), num_experts(), context.width));
  }

  Routing route(const RouteInput& input) override {
    const auto score_TE = scores(input);
    const bool is_assigned = is_training() && input.override.empty();
    const auto expert_TK = is_assigned ? assigned(score_TE, input) : choose(score_TE, input);
    const auto weight_TK = at_choices(score_TE, expert_TK, 0).sigmoid();
    return make_routing({expert_TK, weight_TK, score_TE.softmax(-1), score_TE}, input, num_experts());
  }

 private:
  static torch::Tensor assigned(const torch::Tensor& score_TE, const RouteInput& input) {
    const auto token_C = counted_tokens(input);
    const auto expert_C = ops::balanced_assignment(score_TE.detach().index_select(0, token_C));
    return torch::full({score_TE.size(0)}, -1, torch::kInt64).index_copy_(0, token_C, expert_C).unsqueeze(1);
  }
};

}  // namespace

RouterKind router_kind_base() {
  return router_kind<BaseRouter>("in training as many tokens to each expert, by the best assignment (BASE)",
                                 {.is_causal_in_training = false, .is_balanced = true});
}

}  // namespace heterodyne
