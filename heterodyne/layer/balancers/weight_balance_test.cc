#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::weight_balance_test {
namespace {

double loss_of(const torch::Tensor& expert_TK, const torch::Tensor& weight_TK) {
  const int64_t T = expert_TK.size(0);
  const auto routing = make_routing({expert_TK, weight_TK, {}, {}}, {torch::zeros({T, 1}), 1, T, {}, {}, {}}, 2);
  return balancers().make(Member(Table{{"kind", "weight_balance"}}))->loss(routing).item<double>();
}

// Three of four tokens got experts: 0, both, 0. Mean weights (2.5, .5) / 3, shares (3, 1) / 3: 2 x (7.5 + .5) / 9.
TEST(WeightBalance, CountsTokensThatGotExperts) {
  const auto expert_TK = torch::tensor({{0, -1}, {0, 1}, {-1, -1}, {0, -1}}, torch::kInt64);
  const auto weight_TK = torch::tensor({{1.0, 0.0}, {.5, .5}, {0.0, 0.0}, {1.0, 0.0}}, torch::kFloat64);
  EXPECT_NEAR(loss_of(expert_TK, weight_TK), 16.0 / 9, 1e-12);
}

TEST(WeightBalance, EqualLoadsCostTheNumberOfExpertsPerToken) {
  const auto half = torch::full({3, 2}, .5, torch::kFloat64);
  EXPECT_NEAR(loss_of(torch::tensor({{0, 1}, {1, 0}, {0, 1}}, torch::kInt64), half), 2, 1e-12);
}

TEST(WeightBalance, NobodyRoutedCostsNothing) {
  EXPECT_EQ(loss_of(torch::full({3, 1}, -1, torch::kInt64), torch::zeros({3, 1}, torch::kFloat64)), 0);
}

}  // namespace
}  // namespace heterodyne::weight_balance_test
