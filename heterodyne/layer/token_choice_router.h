// TokenChoiceRouter: what routers share in which each token chooses a fixed number of experts.
//
// Letters: T tokens, D width, E experts, K choices per token.
#pragma once

#include <string>

#include "heterodyne/layer/router.h"

namespace heterodyne {

class TokenChoiceRouter : public Router {
 public:
  int64_t num_experts() const override { return num_experts_; }
  int64_t max_choices() const override { return k_; }
  void set_num_experts(int64_t num_experts) override;

 protected:
  /// `kind` is the member's name, "router.top_k". Throws ConfigError when k > the number of experts.
  TokenChoiceRouter(std::string kind, int64_t k, const RouterContext& context);

  /// Throws ShapeError unless x_TD is [T, D].
  void check_input(const torch::Tensor& x_TD) const;
  /// A decision without scores: equal weights, uniform probabilities, zero logits.
  Routing route_equally(const torch::Tensor& expert_TK, const RouteInput& input) const;

 private:
  std::string kind_;
  int64_t k_, width_, num_experts_;
};

}  // namespace heterodyne
