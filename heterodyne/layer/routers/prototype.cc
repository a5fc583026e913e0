// Prototypes: each expert stands for a direction, the mean of the tokens that it takes, and a token goes to the experts
// whose directions are nearest. That is spherical k-means (Dhillon and Modha 2001), one step of it with each step of
// training, in which a token pulls at the prototypes of its later choices as well, though less; with loads that are
// evened as in frequency-sensitive clustering (Banerjee and Ghosh 2004): a bias for each expert, used when experts are
// selected and not when they are weighed. Tokens are compared after their mean is taken away; what all have in common
// tells none apart.
//
// Nothing here has a gradient of its own, so the loss cannot move a border between experts to where one of them
// happens to be ahead: what the network tells apart decides, which is why experts specialise.
#include <algorithm>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

class PrototypeRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string weights = "softmax_of_selected";
    double temperature = 1;
    double rate = 0.02;
    double later_share = 0.25;
    double bias_rate = 0.005;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("weights", weights, kWeightsSentence, one_of_weights());
      field("temperature", temperature, "what cosines are divided by", between(0.01, 1e6));
      field("rate", rate, "share of each step's mean in a prototype and in the tokens' mean, once they have begun",
            between(0, 1));
      field("later_share", later_share,
            "what a token counts for in the prototypes of its later choices, beside 1 in that of its first",
            between(0, 1));
      field("bias_rate", bias_rate,
            "a bias moves by this x (mean load - load) / mean load after a step, at most by this; it is added to "
            "cosines",
            at_least(0));
    }
  };

  PrototypeRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.prototype", options.k, context), options_(options) {
    const Init init = context.init.at("prototype");
    const int64_t E = num_experts(), D = context.width;
    prototype_ED_ = register_buffer("prototype", directions_of(init.stream().normal({init.seed, 0}, {E, D})));
    mean_D_ = register_buffer("mean", torch::zeros({D}));
    bias_E_ = register_buffer("selection_bias", torch::zeros({E}));
    step_E_ = register_buffer("steps", torch::zeros({E}));
    mean_steps_ = register_buffer("mean_steps", torch::zeros({1}));
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const auto x_TD = at_least_float32(input.x_TD);
    const auto token_TD = directions_of(x_TD - mean_D_.to(x_TD.scalar_type()));
    const auto cosine_TE = products_of(token_TD, prototype_ED_.to(x_TD.scalar_type()));
    const auto logit_TE = cosine_TE / options_.temperature;
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = choose(cosine_TE.detach() + bias_E_.to(x_TD.scalar_type()), input, prob_TE);
    const auto weight_TK = weights_at_choices(options_.weights, logit_TE, prob_TE, expert_TK);
    auto routing = make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
    if (is_training()) add_sums(x_TD.detach(), token_TD.detach(), expert_TK, counted_tokens(input), routing.sums);
    return routing;
  }

  void after_step(const Sums& sums) override {
    const auto found = sums.find("prototype_ED");
    if (found == sums.end() || found->second.size(0) != num_experts()) return;
    const torch::NoGradGuard no_grad;
    move_mean(sums);
    move_prototypes(found->second, sums.at("taken_E"));
    const auto load_E = sums.at("assignments_E");
    const auto mean = load_E.mean();
    if (mean.item<double>() == 0) return;
    bias_E_.add_(((mean - load_E) / mean).clamp(-1, 1).to(bias_E_.scalar_type()), options_.bias_rate);
  }

  torch::Tensor selection_bias() override { return bias_E_; }
  bool moves_bias() const override { return options_.bias_rate > 0; }
  std::vector<ExpertAxis> expert_axes() override {
    return {{"prototype", prototype_ED_, 0}, {"selection_bias", bias_E_, 0}, {"steps", step_E_, 0}};
  }
  double macs_per_token() const override { return static_cast<double>(prototype_ED_.numel()); }

 private:
  // Of the batch: the tokens, and of each expert the directions of those that it took and what they count for.
  void add_sums(const torch::Tensor& x_TD, const torch::Tensor& token_TD, const torch::Tensor& expert_TK,
                const torch::Tensor& token_C, Sums& sums) const {
    const int64_t E = num_experts(), D = x_TD.size(1);
    const int64_t num_followed = options_.later_share > 0 ? expert_TK.size(1) : 1;
    auto sum_ED = torch::zeros({E, D}, torch::kFloat64), taken_E = torch::zeros({E}, torch::kFloat64);
    for (int64_t k = 0; k < num_followed; ++k) {
      const double share = k == 0 ? 1 : options_.later_share;
      const auto choice_C = expert_TK.select(1, k).index_select(0, token_C);
      const auto chosen_C = (choice_C >= 0).nonzero().squeeze(1);
      const auto expert_C = choice_C.index_select(0, chosen_C), kept_C = token_C.index_select(0, chosen_C);
      sum_ED.index_add_(0, expert_C, token_TD.index_select(0, kept_C).to(torch::kFloat64), share);
      taken_E.add_(torch::bincount(expert_C, {}, E), share);
    }
    sums["x_D"] = x_TD.index_select(0, token_C).to(torch::kFloat64).sum(0);
    sums["prototype_ED"] = sum_ED;
    sums["taken_E"] = taken_E;
  }

  // Running means begin as plain ones: the n-th value has the share 1 / n until that is less than the rate.
  void move_mean(const Sums& sums) {
    const double count = sums.at("tokens").item<double>();
    if (count == 0) return;
    mean_steps_.add_(1);
    const double share = std::max(options_.rate, 1 / mean_steps_.item<double>());
    mean_D_.lerp_((sums.at("x_D") / count).to(mean_D_.scalar_type()), share);
  }

  // An expert that took none stays where it is.
  void move_prototypes(const torch::Tensor& sum_ED, const torch::Tensor& taken_E) {
    const auto is_moved_E = (taken_E > 0);
    step_E_.add_(is_moved_E.to(step_E_.scalar_type()));
    const auto share_E = (1 / step_E_.to(torch::kFloat64).clamp_min(1)).clamp_min(options_.rate) * is_moved_E;
    const auto old_ED = prototype_ED_.to(torch::kFloat64);
    const auto new_ED = directions_of(old_ED.lerp(directions_of(sum_ED), share_E.unsqueeze(1).expand_as(old_ED)));
    prototype_ED_.copy_(torch::where(is_moved_E.unsqueeze(1), new_ED, old_ED));
  }

  Options options_;
  torch::Tensor prototype_ED_, mean_D_, bias_E_, step_E_, mean_steps_;
};

}  // namespace

RouterKind router_kind_prototype() {
  return router_kind<PrototypeRouter>("k nearest of prototypes that follow the tokens they take, with evened loads");
}

}  // namespace heterodyne
