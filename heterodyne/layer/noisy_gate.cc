#include "heterodyne/layer/noisy_gate.h"

#include <cmath>

#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

// Distribution function of the standard normal.
torch::Tensor normal_cdf(const torch::Tensor& z) { return 0.5 * (1 + (z * std::sqrt(0.5)).erf()); }

// The threshold of an entry is the k-th best score among the others: the (k+1)-th of all for an entry that is kept,
// the k-th for one that is not.
torch::Tensor keep_probability(const GateScores& scores, const torch::Tensor& best_TK1,
                               const torch::Tensor& is_kept_TE) {
  const int64_t k = best_TK1.size(1) - 1;
  const auto best_score_TK1 = scores.noisy_TE.gather(1, best_TK1);
  const auto threshold_TE =
      torch::where(is_kept_TE, best_score_TK1.narrow(1, k, 1), best_score_TK1.narrow(1, k - 1, 1));
  return normal_cdf((scores.clean_TE - threshold_TE) / scores.std_TE);
}

}  // namespace

GateScores quiet_scores(const torch::Tensor& clean_TE) { return {clean_TE, {}, clean_TE}; }

GateScores noisy_scores(const torch::Tensor& clean_TE, const torch::Tensor& raw_std_TE, const torch::Tensor& draw_TE,
                        double floor) {
  constexpr double kSmallest = 1e-6;
  const auto std_TE = (torch::softplus(raw_std_TE) + floor).clamp_min(kSmallest);
  return {clean_TE, std_TE, clean_TE + draw_TE.to(clean_TE.scalar_type()) * std_TE};
}

GateChoice keep_best(const GateScores& scores, int64_t k, const std::string& where) {
  const auto& noisy_TE = scores.noisy_TE;
  const bool is_soft = scores.std_TE.defined() && k < noisy_TE.size(1);
  const auto best_TK = ops::top_k(noisy_TE, is_soft ? k + 1 : k, where);
  GateChoice choice;
  choice.expert_TK = best_TK.narrow(1, 0, k);
  choice.weight_TK = noisy_TE.gather(1, choice.expert_TK).softmax(-1);
  const auto is_kept_TE =
      torch::zeros(noisy_TE.sizes(), noisy_TE.options().dtype(torch::kBool)).scatter(1, choice.expert_TK, true);
  choice.keep_TE = is_soft ? keep_probability(scores, best_TK, is_kept_TE) : is_kept_TE.to(noisy_TE.scalar_type());
  return choice;
}

}  // namespace heterodyne
