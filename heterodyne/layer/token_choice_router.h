// TokenChoiceRouter: what routers share in which each token chooses its experts by scores of its own.
//
// Letters: T tokens, D width, E experts, K choices per token.
#pragma once

#include <string>

#include "heterodyne/layer/router.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {

class TokenChoiceRouter : public Router {
 public:
  int64_t num_experts() const override { return num_experts_; }
  int64_t max_choices() const override { return k_; }
  void check_num_experts(int64_t num_experts) const override;
  void set_num_experts(int64_t num_experts) override;

 protected:
  /// `kind` is the member's name, "router.top_k"; a kind whose tokens get no fixed number says the most. Throws
  /// ConfigError when k > the number of experts.
  TokenChoiceRouter(std::string kind, int64_t k, const RouterContext& context);

  /// "layers.0.router"
  const std::string& layer_name() const { return name_; }
  /// Throws ShapeError unless x_TD is [T, D].
  void check_input(const torch::Tensor& x_TD) const;
  /// int64 [T, K]: each token's experts, best score first, -1 for none. They are the k with the largest scores, or
  /// those that input.override asks for; it speaks of the probabilities softmax(score_TE), or of `prob_TE` when that is
  /// given. Throws ConfigError when it asks for more experts than there are, Error naming the first token whose scores
  /// hold a NaN.
  torch::Tensor choose(const torch::Tensor& score_TE, const RouteInput& input, torch::Tensor prob_TE = {}) const;
  /// int64 [T, k]: the k with the largest scores, whatever the input asks for. Throws like choose().
  torch::Tensor best(const torch::Tensor& score_TE, int64_t k) const;
  /// A decision without scores: equal weights, uniform probabilities, zero logits.
  Routing route_equally(const torch::Tensor& expert_TK, const RouteInput& input) const;

 private:
  std::string kind_, name_;
  int64_t k_, width_, num_experts_;
};

/// [T, K]: value_TE at the chosen experts, `absent` where there is no choice (-1).
torch::Tensor at_choices(const torch::Tensor& value_TE, const torch::Tensor& expert_TK, double absent);
/// [T, K]: the softmax over each token's chosen scores; zeros where there is no choice.
torch::Tensor softmax_at_choices(const torch::Tensor& score_TE, const torch::Tensor& expert_TK);
/// [T, K]: the values at the chosen experts divided by their sum; zeros where there is no choice or the sum is zero.
torch::Tensor shares_at_choices(const torch::Tensor& value_TE, const torch::Tensor& expert_TK);

/// [T, K]: ones with the gradient of value_TE at the chosen experts (straight-through); zeros where there is no choice.
torch::Tensor ones_at_choices(const torch::Tensor& value_TE, const torch::Tensor& expert_TK);

/// The rules of weights_at_choices(), and what a setting says of them.
constexpr const char* kWeightsSentence =
    "what the selected weigh: the softmax of their logits, their scores divided by their sum, their scores as they "
    "are, "
    "or one with a straight-through gradient";
inline Rule one_of_weights() { return one_of("softmax_of_selected", "renormalized", "score", "one"); }
/// [T, K]: what the chosen experts weigh by one of those rules; score_TE was made from logit_TE.
torch::Tensor weights_at_choices(const std::string& rule, const torch::Tensor& logit_TE, const torch::Tensor& score_TE,
                                 const torch::Tensor& expert_TK);

/// What scores may be made of: softmax, sigmoid, or sqrtsoftplus, which is sqrt(log(1 + exp(logit))).
inline Rule one_of_scores() { return one_of("softmax", "sigmoid", "sqrtsoftplus"); }
/// [T, E]: one of those functions of each logit; the softmax is over a token's experts.
torch::Tensor score_of(const std::string& function, const torch::Tensor& logit_TE);
/// [T, E]: each row divided by its sum.
torch::Tensor shares_of(const torch::Tensor& score_TE);

/// The rows of the tokens that count: those for which mask_T holds, or all when it is undefined.
torch::Tensor counted_rows(const torch::Tensor& value, const torch::Tensor& mask_T);
/// Rows of length one; a row of zeros stays.
torch::Tensor directions_of(const torch::Tensor& row_ND);
/// float32 for narrower types, and the type as it is for others.
torch::Tensor at_least_float32(const torch::Tensor& value);
/// [T, E]: x_TD times the transposed matrix of the gate, in float32 at least.
torch::Tensor gate_scores(const torch::Tensor& x_TD, const nn::Linear& gate);

}  // namespace heterodyne
