// Two levels of gates (Shazeer et al. 2017, appendix B): one chooses groups of experts, then a gate of each chosen
// group chooses among its experts. A pair weighs the product of both, and the cost grows with groups + experts of a
// group instead of with their product.
//
// Letters: T tokens, D width, G groups, M experts of a group, E = G x M, K groups of a token, J experts of a token in
// each of them, N chosen (token, group) pairs, sorted by group, then token.
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/layer/noisy_gate.h"
#include "heterodyne/layer/token_choice_router.h"

namespace heterodyne {
namespace {

struct HierarchicalOptions {
  int64_t groups = 0;
  int64_t experts_per_group = 0;
  int64_t k_groups = 2;
  int64_t k_experts = 2;
  std::string level = "noisy_top_k";
  double noise_floor = 0;
  void visit(Fields& field) {
    field("groups", groups,
          "groups of experts, by position; 0: experts / experts_per_group, or else the largest divisor of their number "
          "that is at most its root",
          at_least(0));
    field("experts_per_group", experts_per_group, "experts of each group; 0: experts / groups", at_least(0));
    field("k_groups", k_groups, "groups each token is sent to", at_least(1));
    field("k_experts", k_experts, "experts each token is sent to in each of its groups", at_least(1));
    field("level", level, "the gate on both levels: noisy_top_k adds learned noise in training, top_k does not",
          one_of("noisy_top_k", "top_k"));
    field("noise_floor", noise_floor,
          "what is added to the noise's standard deviation: 0 in the paper, 0.01 in Tensor2Tensor", at_least(0),
          effective_when(level == "noisy_top_k", "level = \"top_k\""));
  }
};

void check_product(const HierarchicalOptions& options, int64_t num_experts, const std::string& where) {
  const int64_t product = options.groups * options.experts_per_group;
  if (product == num_experts) return;
  throw ConfigError(where, "groups x experts_per_group",
                    fmt::format("expected num_experts = {}, got {} x {} = {}", num_experts, options.groups,
                                options.experts_per_group, product));
}

void check_at_most(const char* key, int64_t value, const char* limit_key, int64_t limit) {
  if (value <= limit) return;
  throw ConfigError("router.hierarchical", key,
                    fmt::format("expected at most {} = {}, got {}", limit_key, limit, value));
}

// The options with the numbers that were left open, checked against the number of experts.
HierarchicalOptions fitted(HierarchicalOptions options, int64_t num_experts, const std::string& where) {
  if (options.groups == 0 && options.experts_per_group > 0) options.groups = num_experts / options.experts_per_group;
  if (options.groups == 0) {
    options.groups = static_cast<int64_t>(std::sqrt(static_cast<double>(num_experts)));
    while (num_experts % options.groups != 0) --options.groups;
  }
  if (options.experts_per_group == 0) options.experts_per_group = num_experts / options.groups;
  check_product(options, num_experts, where);
  check_at_most("k_groups", options.k_groups, "groups", options.groups);
  check_at_most("k_experts", options.k_experts, "experts_per_group", options.experts_per_group);
  return options;
}

class HierarchicalRouter : public TokenChoiceRouter {
 public:
  /// `options` as fitted() gives them.
  HierarchicalRouter(const HierarchicalOptions& options, const RouterContext& context)
      : TokenChoiceRouter("router.hierarchical", options.k_groups * options.k_experts, context),
        options_(options),
        group_draws_("noise." + context.init.name) {
    for (int64_t group = 0; group < options.groups; ++group)
      expert_draws_.emplace_back("noise." + context.init.name + "." + std::to_string(group));
    const Init& init = context.init;
    const nn::LinearOptions groups{context.width, options.groups, false}, experts{context.width, num_experts(), false};
    group_gate_ = register_module("group_gate", std::make_shared<nn::Linear>(groups, init.at("group_gate")));
    expert_gate_ = register_module("expert_gate", std::make_shared<nn::Linear>(experts, init.at("expert_gate")));
    if (!is_noisy()) return;
    group_noise_ = register_module("group_noise", std::make_shared<nn::Linear>(groups, init.at("group_noise")));
    expert_noise_ = register_module("expert_noise", std::make_shared<nn::Linear>(experts, init.at("expert_noise")));
    for (const auto& linear : {group_gate_, expert_gate_, group_noise_, expert_noise_})
      linear->weight().assign(torch::zeros_like(linear->weight().matrix()));
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const auto group_scores = this->group_scores(input);
    const bool needs_all = input.needs.probabilities || input.needs.logits || !input.override.empty();
    const auto logit_TE = needs_all ? all_logits(group_scores.noisy_TE, input) : torch::Tensor();
    const auto prob_TE = needs_all ? logit_TE.exp() : torch::Tensor();
    if (!input.override.empty()) {
      const auto expert_TK = choose(logit_TE, input, prob_TE);
      return make_routing({expert_TK, shares_at_choices(prob_TE, expert_TK), prob_TE, logit_TE}, input, num_experts());
    }

    const auto groups = keep_best(group_scores, options_.k_groups, layer_name());
    const auto plan = plan_of(groups.expert_TK, input);
    const auto experts = keep_best(expert_scores(input, plan), options_.k_experts, layer_name());
    auto routing = make_routing(product(groups, experts, plan, prob_TE, logit_TE), input, num_experts());
    add_loads(routing, groups, experts, plan);
    return routing;
  }

  void check_num_experts(int64_t num_experts) const override {
    TokenChoiceRouter::check_num_experts(num_experts);
    check_product(options_, num_experts, "router.hierarchical");
  }
  double macs_per_token() const override {
    return group_gate_->macs() +
           expert_gate_->macs() * static_cast<double>(options_.k_groups) / static_cast<double>(options_.groups);
  }

 private:
  bool is_noisy() const { return options_.level == "noisy_top_k"; }

  ops::RoutingPlan plan_of(torch::Tensor group_TK, const RouteInput& input) const {
    if (input.mask_T.defined()) group_TK = group_TK.masked_fill(input.mask_T.logical_not().unsqueeze(1), -1);
    return ops::plan_routing(group_TK, options_.groups);
  }

  GateScores group_scores(const RouteInput& input) const {
    const auto clean_TG = gate_scores(input.x_TD, *group_gate_);
    if (!is_noisy() || !is_training()) return quiet_scores(clean_TG);
    const auto draw_TG = group_draws_.normal_rows(input.random, draw_row_of(input), options_.groups);
    return noisy_scores(clean_TG, gate_scores(input.x_TD, *group_noise_), draw_TG, options_.noise_floor);
  }

  // [N, M]: the scores of the experts of each pair's group, one matrix product for each group.
  GateScores expert_scores(const RouteInput& input, const ops::RoutingPlan& plan) const {
    const auto x_ND = at_least_float32(input.x_TD).index_select(0, plan.token_N);
    const auto clean_NM = by_group(x_ND, *expert_gate_, plan);
    if (!is_noisy() || !is_training()) return quiet_scores(clean_NM);
    const auto row_N = draw_row_of(input).index_select(0, plan.token_N);
    const auto offsets = plan.expert_offsets();
    std::vector<torch::Tensor> draws{torch::zeros({0, options_.experts_per_group})};
    for (size_t g = 0; g < expert_draws_.size(); ++g) {
      const auto rows = row_N.slice(0, offsets[g], offsets[g + 1]);
      draws.push_back(expert_draws_[g].normal_rows(input.random, rows, options_.experts_per_group));
    }
    return noisy_scores(clean_NM, by_group(x_ND, *expert_noise_, plan), torch::cat(draws), options_.noise_floor);
  }

  // [N, M]: each row times the transposed rows of its group.
  torch::Tensor by_group(const torch::Tensor& x_ND, const nn::Linear& gate, const ops::RoutingPlan& plan) const {
    const auto matrix_ED = at_least_float32(gate.weight().matrix());
    const auto offsets = plan.expert_offsets();
    const int64_t M = options_.experts_per_group;
    std::vector<torch::Tensor> parts{x_ND.new_zeros({0, M})};
    for (int64_t g = 0; g < options_.groups; ++g) {
      const int64_t begin = offsets[static_cast<size_t>(g)], end = offsets[static_cast<size_t>(g) + 1];
      if (begin < end) parts.push_back(x_ND.slice(0, begin, end).matmul(matrix_ED.slice(0, g * M, (g + 1) * M).t()));
    }
    return torch::cat(parts);
  }

  // [T, E]: the log of the product of both levels' softmax, with the experts of all groups.
  torch::Tensor all_logits(const torch::Tensor& score_TG, const RouteInput& input) const {
    const int64_t T = input.x_TD.size(0), G = options_.groups, M = options_.experts_per_group;
    const auto plan = ops::plan_routing(torch::arange(G).expand({T, G}), G);
    const auto score_TGM = expert_scores(input, plan).noisy_TE.view({G, T, M}).transpose(0, 1);
    return (score_TG.log_softmax(-1).unsqueeze(2) + score_TGM.log_softmax(-1)).reshape({T, G * M});
  }

  // A pair of token and expert weighs what its group weighs times what it weighs there; a token's best pair comes
  // first.
  TokenChoice product(const GateChoice& groups, const GateChoice& experts, const ops::RoutingPlan& plan,
                      const torch::Tensor& prob_TE, const torch::Tensor& logit_TE) const {
    const int64_t T = plan.num_tokens(), K = options_.k_groups, J = options_.k_experts;
    const auto place_N = plan.token_N * K + plan.choice_N;
    const auto expert_NJ = plan.expert_N.unsqueeze(1) * options_.experts_per_group + experts.expert_TK;
    const auto weight_NJ = groups.weight_TK.reshape(-1).index_select(0, place_N).unsqueeze(1) * experts.weight_TK;
    const auto expert_TK = torch::full({T * K, J}, -1, torch::kInt64).index_put({place_N}, expert_NJ).view({T, K * J});
    const auto weight_TK = weight_NJ.new_zeros({T * K, J}).index_put({place_N}, weight_NJ).view({T, K * J});
    const auto order_TK = best(weight_TK, K * J);
    return {expert_TK.gather(1, order_TK), weight_TK.gather(1, order_TK), prob_TE, logit_TE};
  }

  // Load_H, the load of each expert: that of its group times its share of the tokens that chose the group. So it has a
  // gradient to both gates.
  void add_loads(Routing& routing, const GateChoice& groups, const GateChoice& experts,
                 const ops::RoutingPlan& plan) const {
    const auto keep_TG = counted_rows(groups.keep_TE, routing.mask_T);
    const auto group_load_G = keep_TG.sum(0);
    const auto load_GM = experts.keep_TE.new_zeros({options_.groups, options_.experts_per_group})
                             .index_add(0, plan.expert_N, experts.keep_TE);
    const auto size_G = plan.tokens_per_expert_E.to(load_GM.scalar_type());
    routing.load_E = ((group_load_G / size_G.clamp_min(1)).unsqueeze(1) * load_GM).reshape(-1);

    const auto place_N = plan.token_N * options_.k_groups + plan.choice_N;
    const auto group_weight_N = groups.weight_TK.detach().reshape(-1).index_select(0, place_N);
    const auto importance_G = torch::zeros_like(size_G).index_add(0, plan.expert_N, group_weight_N);
    const auto importance_E =
        torch::zeros_like(routing.load_E.detach()).index_add(0, routing.plan.expert_N, routing.weight_N.detach());
    const auto add = [&](const char* name, const torch::Tensor& value) {
      routing.sums[name] = value.detach().to(torch::kFloat64);
    };
    add("group_assignments_G", size_G);
    add("group_importance_G", importance_G);
    add("group_load_G", group_load_G);
    add("importance_E", importance_E);
    add("load_E", routing.load_E);
  }

  HierarchicalOptions options_;
  RandomStream group_draws_;
  std::vector<RandomStream> expert_draws_;  // by group
  std::shared_ptr<nn::Linear> group_gate_, group_noise_, expert_gate_, expert_noise_;
};

}  // namespace

RouterKind router_kind_hierarchical() {
  return {"a gate among groups of experts, then one in each chosen group",
          Schema::of<HierarchicalOptions>(),
          [](const Table& settings, const Place& place, const RouterContext& context) -> std::shared_ptr<Router> {
            const auto options = read_options<HierarchicalOptions>(settings, place);
            return std::make_shared<HierarchicalRouter>(fitted(options, context.num_experts(), place.path), context);
          },
          {.is_resizable = false}};
}

}  // namespace heterodyne
