#include "heterodyne/layer/token_choice_router.h"

#include <fmt/format.h>

#include "heterodyne/base/shape.h"

namespace heterodyne {
namespace {

void check_k(const std::string& kind, int64_t k, int64_t num_experts) {
  if (k <= num_experts) return;
  throw ConfigError(kind, "k", fmt::format("expected at most num_experts = {}, got {}", num_experts, k));
}

}  // namespace

TokenChoiceRouter::TokenChoiceRouter(std::string kind, int64_t k, const RouterContext& context)
    : kind_(std::move(kind)), k_(k), width_(context.width), num_experts_(context.num_experts()) {
  check_k(kind_, k_, num_experts_);
}

void TokenChoiceRouter::set_num_experts(int64_t num_experts) {
  check_k(kind_, k_, num_experts);
  num_experts_ = num_experts;
}

void TokenChoiceRouter::check_input(const torch::Tensor& x_TD) const {
  check_shape(kind_, "x_TD", x_TD, {"T", {"D", width_}});
}

Routing TokenChoiceRouter::route_equally(const torch::Tensor& expert_TK, const RouteInput& input) const {
  const int64_t T = expert_TK.size(0);
  const auto weight_TK = torch::full({T, k_}, 1.0 / static_cast<double>(k_));
  const auto prob_TE = torch::full({T, num_experts_}, 1.0 / static_cast<double>(num_experts_));
  return make_routing({expert_TK, weight_TK, prob_TE, torch::zeros({T, num_experts_})}, input, num_experts_);
}

}  // namespace heterodyne
