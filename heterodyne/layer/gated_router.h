// GatedRouter: what routers share with a linear gate in which experts choose tokens, or a whole batch is divided at
// once.
//
// Letters: T tokens, C tokens that are looked at, D width, E experts, K choices per token.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {

class GatedRouter : public LinearGateRouter {
 protected:
  /// As TokenChoiceRouter; a kind that gives tokens any number of experts passes k = 1 and overrides max_choices().
  GatedRouter(std::string kind, int64_t k, const RouterContext& context);

  /// [T, E], float32 at least. Throws ShapeError unless x_TD is [T, D], Error naming the first token with a NaN.
  torch::Tensor scores(const RouteInput& input) const;
  /// "layers.0.router", for messages.
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// [T, E]: rows times the transposed matrix, for routers that compare tokens with embeddings of experts.
torch::Tensor products_of(const torch::Tensor& x_TD, const torch::Tensor& matrix_ED);

/// int64 [C]: the tokens of the batch that are not masked, ascending.
torch::Tensor counted_tokens(const RouteInput& input);
/// The same for each sequence.
std::vector<torch::Tensor> counted_tokens_by_sequence(const RouteInput& input);

/// ceil(factor x tokens / experts), at most `num_tokens`: how many tokens an expert takes.
int64_t tokens_per_expert(double factor, int64_t num_tokens, int64_t num_experts);
/// bool [C, E]: for each expert the `count` tokens with the highest of its scores, ties to the earlier token.
torch::Tensor best_tokens(const torch::Tensor& score_CE, int64_t count);
/// bool [T, E]: rows token_C as in chosen_CE, others false.
torch::Tensor placed_rows(const torch::Tensor& chosen_CE, const torch::Tensor& token_C, int64_t num_tokens);
/// int64 [T, K]: the experts that chosen_TE (bool) marks, best score first, -1 after them. K is the most of any token,
/// at least 1.
torch::Tensor marked_experts(const torch::Tensor& chosen_TE, const torch::Tensor& score_TE);

}  // namespace heterodyne
