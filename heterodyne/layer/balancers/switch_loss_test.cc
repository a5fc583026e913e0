#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::switch_loss_test {
namespace {

const auto kProbabilities = torch::tensor({{.7, .2, .1}, {.5, .3, .2}, {.1, .8, .1}, {.6, .1, .3}}, torch::kFloat64);

Routing routing_of(const torch::Tensor& prob_TE, int64_t k, int64_t num_sequences = 1,
                   const torch::Tensor& mask_T = {}) {
  const auto [weight_TK, expert_TK] = prob_TE.topk(k, -1);
  const RouteInput input{prob_TE, num_sequences, prob_TE.size(0) / num_sequences, mask_T, {}, {true, false}};
  return make_routing({expert_TK, weight_TK, prob_TE, {}}, input, prob_TE.size(1));
}

std::shared_ptr<Balancer> switch_loss(const char* normalize, const char* scope = "micro_batch") {
  return balancers().make(Member(Table{{"kind", "switch_loss"}, {"normalize", normalize}, {"scope", scope}}));
}

double loss_of(const torch::Tensor& prob_TE, int64_t k, const char* normalize) {
  return switch_loss(normalize)->loss(routing_of(prob_TE, k)).item<double>();
}

// Worked by hand: f = (.75, .25, 0), P = (.475, .35, .175).
TEST(SwitchLoss, TopOne) { EXPECT_NEAR(loss_of(kProbabilities, 1, "by_k"), 1.33125, 1e-12); }

// Counts (4, 3, 1) of eight assignments.
TEST(SwitchLoss, TopTwo) {
  EXPECT_NEAR(loss_of(kProbabilities, 2, "by_k"), 1.171875, 1e-12);
  EXPECT_NEAR(loss_of(kProbabilities, 2, "raw"), 2.34375, 1e-12);
}

TEST(SwitchLoss, PerfectBalanceIsOneOrK) {
  const auto even =
      torch::full({6, 3}, 1.0 / 3, torch::kFloat64) + 1e-9 * torch::eye(3, torch::kFloat64).repeat({2, 1});
  EXPECT_NEAR(loss_of(even, 1, "by_k"), 1, 1e-6);
  EXPECT_NEAR(loss_of(even, 3, "by_k"), 1, 1e-6);
  EXPECT_NEAR(loss_of(even, 3, "raw"), 3, 1e-6);
}

// Tokens 0 and 1: f = (1, 0, 0), P = (.6, .25, .15), 3 x .6 = 1.8. Tokens 2 and 3: f = (.5, .5, 0),
// P = (.35, .45, .2), 3 x .4 = 1.2.
TEST(SwitchLoss, EachSequenceByItself) {
  EXPECT_NEAR(switch_loss("by_k", "sequence")->loss(routing_of(kProbabilities, 1, 2)).item<double>(), 1.5, 1e-12);
  EXPECT_NEAR(switch_loss("raw", "sequence")->loss(routing_of(kProbabilities, 1, 2)).item<double>(), 1.5, 1e-12);
}

// Without token 3 the second sequence has f = (0, 1, 0), P = (.1, .8, .1), 3 x .8 = 2.4; without both there is none.
TEST(SwitchLoss, PaddingIsOfNoSequence) {
  const auto loss = [](const torch::Tensor& mask_T) {
    return switch_loss("by_k", "sequence")->loss(routing_of(kProbabilities, 1, 2, mask_T)).item<double>();
  };
  EXPECT_NEAR(loss(torch::tensor({true, true, true, false})), (1.8 + 2.4) / 2, 1e-12);
  EXPECT_NEAR(loss(torch::tensor({true, true, false, false})), 1.8, 1e-12);
}

TEST(SwitchLoss, OneSequenceIsTheBatch) {
  EXPECT_NEAR(switch_loss("by_k", "sequence")->loss(routing_of(kProbabilities, 2)).item<double>(), 1.171875, 1e-12);
  EXPECT_NEAR(switch_loss("raw", "sequence")->loss(routing_of(kProbabilities, 2)).item<double>(), 2.34375, 1e-12);
}

// Four assignments were (1, 1, 2) before: with (3, 1, 0) now, f = (.5, .25, .25) and P = (.475, .35, .175).
TEST(SwitchLoss, SharesOfTheStepSoFar) {
  const auto routing = routing_of(kProbabilities, 1);
  const Sums before = {{"assignments_E", torch::tensor({1.0, 1.0, 2.0}, torch::kFloat64)},
                       {"tokens", torch::tensor(4.0, torch::kFloat64)}};
  for (const char* normalize : {"by_k", "raw"}) {
    const auto balancer = switch_loss(normalize, "global_batch");
    EXPECT_NEAR(balancer->loss({routing, {}, before}).item<double>(), 3 * (.2375 + .0875 + .04375), 1e-12);
    EXPECT_NEAR(balancer->loss(routing).item<double>(), 1.33125, 1e-12) << "the first batch of a step";
  }
  EXPECT_NEAR(switch_loss("by_k")->loss({routing, {}, before}).item<double>(), 1.33125, 1e-12);
}

}  // namespace
}  // namespace heterodyne::switch_loss_test
