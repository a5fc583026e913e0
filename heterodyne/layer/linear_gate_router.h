// LinearGateRouter: what token-choice routers share whose logits are a linear function of the token.
//
// Letters: T tokens, D width, E experts.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/layer/token_choice_router.h"

namespace heterodyne {

class LinearGateRouter : public TokenChoiceRouter {
 public:
  std::vector<ExpertAxis> expert_axes() override;
  torch::Tensor embeddings() override { return gate_->weight().matrix(); }
  double macs_per_token() const override { return gate_->macs(); }

 protected:
  /// The gate, [E, D], without a bias unless asked for, begins with a normal distribution of this standard deviation,
  /// or with U(-1/sqrt(D), 1/sqrt(D)) when it is 0. The rest as for TokenChoiceRouter.
  LinearGateRouter(std::string kind, int64_t k, double init_std, const RouterContext& context, bool has_bias = false);

  /// [T, E], float32 at least. In training each component of each token is first multiplied by a draw of
  /// U(1 - jitter, 1 + jitter) (Fedus et al. 2021). Throws ShapeError unless the input is [T, D].
  torch::Tensor logits(const RouteInput& input, double jitter = 0) const;
  enum class SelectedWeights { kSoftmax, kOne };  // of their logits; one each, without a gradient
  /// The same as choosing the k experts with the largest logits and weighing them, in one pass that never holds all
  /// logits. Only where nobody asks for other scores; undefined expert_TK where there is no such pass.
  TokenChoice choose_in_passing(const RouteInput& input, SelectedWeights weights) const;
  nn::Linear& gate() { return *gate_; }

 private:
  RandomStream jitter_;
  std::shared_ptr<nn::Linear> gate_;
};

/// What settings called `init_std` and `jitter` say.
constexpr const char* kInitStdSentence =
    "standard deviation of the gate's initial values; 0 draws from U(-1/sqrt(width), 1/sqrt(width))";
constexpr const char* kJitterSentence =
    "in training each component of a token is multiplied by U(1 - jitter, 1 + jitter)";

}  // namespace heterodyne
