// Top-any gate of DynMoE (Guo et al. 2024, arXiv 2405.14297): each token goes to every expert whose direction it
// resembles more than that expert's threshold asks. With unit vectors x and w_e, thresholds G_e and a scale s
//   a_e = sigmoid(s <x, w_e>)   t_e = sigmoid(s G_e)   g_e = 1 where <x, w_e> > G_e, otherwise 0
//   weight_e = g_e / sum of g
// so a token gets any number of experts. One that gets none is answered with zeros in training, where it is counted for
// growth; in eval mode its best expert takes it.
//
// The step g has the gradient of a - t for the chosen pairs, and none for others (straight-through). The sum below the
// fraction is a constant of that gradient, or part of it: then experts are set against each other, and each gets what
// it does better than the token's mean. The sigmoids keep the order, so cosines and thresholds are compared themselves:
// where the sigmoids round to one, the difference still counts.
#include <cmath>

#include "heterodyne/layer/gated_router.h"
#include "heterodyne/ops/gates/any_gate.h"

namespace heterodyne {
namespace {

constexpr double kLargestScale = 100;
constexpr double kTiny = 1e-12;  // what a length is at least

// [N, 1]
torch::Tensor lengths_of(const torch::Tensor& row_ND) { return row_ND.norm(2, -1, true).clamp_min(kTiny); }

// float32 [rows, columns], rows of length one at right angles to each other; columns when there are more rows. Gram and
// Schmidt's method twice, which is exact to the last digits, on independent normal draws.
torch::Tensor right_angles(const Init& init, int64_t rows, int64_t columns) {
  const int64_t N = std::min(rows, columns), D = std::max(rows, columns);
  auto draw_ND = init.stream().normal({init.seed, 0}, {N, D}).to(torch::kFloat64).contiguous();
  auto* value_ND = draw_ND.data_ptr<double>();
  const auto dot = [D](const double* a, const double* b) {
    double sum = 0;
    for (int64_t d = 0; d < D; ++d) sum += a[d] * b[d];
    return sum;
  };
  for (int64_t n = 0; n < N; ++n) {
    double* row_D = value_ND + n * D;
    for (int64_t i = 0; i < 2 * n; ++i) {
      const double* other_D = value_ND + i % n * D;
      const double share = dot(row_D, other_D);
      for (int64_t d = 0; d < D; ++d) row_D[d] -= share * other_D[d];
    }
    const double length = std::sqrt(dot(row_D, row_D));
    for (int64_t d = 0; d < D; ++d) row_D[d] /= length;
  }
  return (rows <= columns ? draw_ND : draw_ND.t()).to(torch::kFloat32).contiguous();
}

class TopAnyRouter : public TokenChoiceRouter {
 public:
  struct Options {
    std::string gradient = "constant_k";
    double temperature = 1;
    bool learn_temperature = false;
    double threshold = 0;
    void visit(Fields& field) {
      field("gradient", gradient,
            "what the gradient of a weight takes the number of the token's experts for: a constant, or the sum of "
            "their gates, so that experts compete",
            one_of("constant_k", "quotient"));
      field("temperature", temperature, "what cosines and thresholds are divided by at first",
            between(1 / kLargestScale, 1e6));
      field("learn_temperature", learn_temperature, "whether the temperature is learned, down to 0.01");
      field("threshold", threshold,
            "the cosine that a token must exceed, of every expert at first; at 0 about half of them are chosen",
            between(-1, 1));
    }
  };

  TopAnyRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.top_any", 1, context), options_(options), width_(context.width) {
    direction_ED_ = register_parameter("direction", right_angles(context.init.at("direction"), num_experts(), width_));
    threshold_E_ = register_parameter("threshold", torch::full({num_experts()}, options.threshold, torch::kFloat32));
    const auto log_scale = torch::full({1}, -std::log(options.temperature));
    log_scale_ = options.learn_temperature ? register_parameter("log_scale", log_scale)
                                           : register_buffer("log_scale", log_scale);
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const auto x_TD = at_least_float32(input.x_TD), direction_ED = at_least_float32(direction_ED_);
    const auto unit_ED = (direction_ED / lengths_of(direction_ED)).to(x_TD.scalar_type());
    const auto scale = at_least_float32(log_scale_).clamp_max(std::log(kLargestScale)).exp().to(x_TD.scalar_type());
    const auto threshold_E = at_least_float32(threshold_E_).to(x_TD.scalar_type());
    auto chosen =
        ops::any_gate({products_of(x_TD, unit_ED), lengths_of(x_TD), threshold_E, scale, !is_training()}, layer_name());
    const auto& logit_TE = chosen.logit_TE;
    const auto prob_TE =
        input.needs.probabilities || !input.override.empty() ? shares_of(logit_TE.sigmoid()) : torch::Tensor();
    if (!input.override.empty()) {
      chosen.expert_TK = choose(logit_TE, input, prob_TE);
      chosen.gate_TK = gates(logit_TE, threshold_E * scale, chosen.expert_TK);
    }
    const auto &expert_TK = chosen.expert_TK, &gate_TK = chosen.gate_TK;
    const auto count_T1 = gate_TK.sum(-1, true).clamp_min(1);
    const auto weight_TK = gate_TK / (options_.gradient == "quotient" ? count_T1 : count_T1.detach());
    auto routing = make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
    if (torch::GradMode::is_enabled()) routing.load_E = sum_of(gate_TK, routing.plan);
    if (is_training()) add_unrouted(x_TD.detach(), routing);
    return routing;
  }

  int64_t max_choices() const override { return num_experts(); }
  std::vector<ExpertAxis> expert_axes() override {
    return {{"direction", direction_ED_, 0}, {"threshold", threshold_E_, 0}};
  }
  torch::Tensor embeddings() override { return direction_ED_; }
  bool aim(int64_t position, const torch::Tensor& toward_D) override {
    const torch::NoGradGuard no_grad;
    direction_ED_[position].copy_(toward_D / lengths_of(toward_D));
    threshold_E_[position].fill_(options_.threshold);
    return true;
  }
  double macs_per_token() const override { return static_cast<double>(width_ * num_experts()); }

 private:
  // [T, K] for choices that somebody else made: ones with the gradient of a - t; zeros where there is no choice.
  static torch::Tensor gates(const torch::Tensor& logit_TE, const torch::Tensor& limit_E,
                             const torch::Tensor& expert_TK) {
    const auto limit_TK = limit_E.index_select(0, expert_TK.clamp_min(0).reshape(-1)).view(expert_TK.sizes());
    const auto excess_TK =
        (at_choices(logit_TE, expert_TK, 0).sigmoid() - limit_TK.sigmoid()).masked_fill(expert_TK < 0, 0);
    return excess_TK - excess_TK.detach() + (expert_TK >= 0).to(excess_TK.scalar_type());
  }

  // [E]: of each expert's pairs, with gradient.
  torch::Tensor sum_of(const torch::Tensor& gate_TK, const ops::RoutingPlan& plan) const {
    const auto pair_N = plan.token_N * gate_TK.size(1) + plan.choice_N;
    const auto zero_E = torch::zeros({num_experts()}, gate_TK.options().requires_grad(false));
    return zero_E.index_add(0, plan.expert_N, gate_TK.reshape(-1).index_select(0, pair_N));
  }

  // Tokens that count and got no expert: how many, and their sum.
  static void add_unrouted(const torch::Tensor& x_TD, Routing& routing) {
    const int64_t T = routing.num_tokens();
    const auto& offset_T1 = routing.plan.token_offset_T1;
    auto has_none_T = offset_T1.narrow(0, 1, T) == offset_T1.narrow(0, 0, T);
    if (routing.mask_T.defined()) has_none_T = has_none_T.logical_and(routing.mask_T);
    const auto token_C = has_none_T.nonzero().squeeze(1);
    routing.sums["unrouted"] = torch::tensor(static_cast<double>(token_C.size(0)), torch::kFloat64);
    routing.sums["unrouted_sum_D"] = x_TD.index_select(0, token_C).to(torch::kFloat64).sum(0);
  }

  Options options_;
  int64_t width_;
  torch::Tensor direction_ED_, threshold_E_, log_scale_;
};

}  // namespace

RouterKind router_kind_top_any() {
  return router_kind<TopAnyRouter>("each token to every expert it resembles more than a learned threshold (DynMoE)",
                                   {.is_straight_through = true, .sums_unrouted = true});
}

}  // namespace heterodyne
