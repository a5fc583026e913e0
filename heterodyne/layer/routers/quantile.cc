// Quantile balancing: each token goes to the k experts with the highest score plus the expert's bias, and the biases
// move towards those with which every expert would get its share. In each batch a token's threshold is its (k+1)-th
// best biased score; an expert that is to get T k / E tokens should be handicapped by the (T k / E + 1)-th largest of
// its scores minus the tokens' thresholds. After a step the biases follow the mean of that over the step's batches.
// Weights are made from the scores without bias; there is no balance loss, and in eval mode nothing moves.
#include "heterodyne/layer/gated_router.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

class QuantileRouter : public GatedRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string weights = "softmax_of_selected";
    double keep = 0.9;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("weights", weights, "what the selected weigh: the softmax of their scores, or their probabilities",
            one_of("softmax_of_selected", "score"));
      field("keep", keep, "share of the old biases that is kept at each step", between(0, 1));
    }
  };

  QuantileRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.quantile", options.k, context), options_(options) {
    bias_E_ = register_buffer("bias", torch::zeros({num_experts()}));
  }

  Routing route(const RouteInput& input) override {
    const auto logit_TE = scores(input);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto biased_TE = logit_TE.detach() + bias_E_.to(logit_TE.scalar_type());
    const auto expert_TK = choose(biased_TE, input, prob_TE);
    const auto weight_TK =
        options_.weights == "score" ? at_choices(prob_TE, expert_TK, 0) : softmax_at_choices(logit_TE, expert_TK);
    auto routing = make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
    if (is_training()) add_sums(logit_TE.detach(), biased_TE, counted_tokens(input), routing.sums);
    return routing;
  }

  void after_step(const Sums& sums) override {
    const auto found = sums.find("handicap_E");
    if (found == sums.end()) return;
    const double num_batches = sums.at("batches").item<double>();
    if (num_batches == 0) return;
    const auto bias_E = options_.keep * bias_E_.to(torch::kFloat64) - (1 - options_.keep) * found->second / num_batches;
    bias_E_.copy_(bias_E - bias_E.mean());
  }

  torch::Tensor selection_bias() override { return bias_E_; }
  bool moves_bias() const override { return true; }
  std::vector<ExpertAxis> expert_axes() override {
    auto axes = GatedRouter::expert_axes();
    axes.push_back({"bias", bias_E_, 0});
    return axes;
  }

 private:
  // A batch without tokens, or where every token goes everywhere, says nothing about biases.
  void add_sums(const torch::Tensor& logit_TE, const torch::Tensor& biased_TE, const torch::Tensor& token_C,
                Sums& sums) const {
    const int64_t C = token_C.size(0), K = max_choices(), E = num_experts();
    const bool is_silent = C == 0 || K >= E;
    sums["batches"] = torch::tensor(is_silent ? 0.0 : 1.0, torch::kFloat64);
    sums["handicap_E"] = torch::zeros({E}, torch::kFloat64);
    if (is_silent) return;
    const auto biased_CE = biased_TE.index_select(0, token_C);
    const auto next_C1 = ops::top_k(biased_CE, K + 1, name()).narrow(1, K, 1);
    const auto above_CE = (logit_TE.index_select(0, token_C) - biased_CE.gather(1, next_C1)).to(torch::kFloat64);
    // The (n + 1)-th largest of C values is the (C - n)-th smallest.
    sums["handicap_E"] = std::get<0>(above_CE.kthvalue(C - C * K / E, 0));
  }

  Options options_;
  torch::Tensor bias_E_;
};

}  // namespace

RouterKind router_kind_quantile() {
  return router_kind<QuantileRouter>("top k of scores with biases that follow the quantiles of equal loads");
}

}  // namespace heterodyne
