#include "heterodyne/ops/log_mixture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::log_mixture_test {
namespace {

struct Rows {
  RoutingPlan plan;
  std::vector<torch::Tensor> y_of_expert;
  torch::Tensor weight_N;
};

Rows rows_of(const Case& c, torch::Dtype dtype) {
  const RandomStream stream("log_mixture." + c.name);
  Rows rows;
  rows.plan = plan_routing(choices_of(c), c.num_experts);
  const auto offsets = rows.plan.expert_offsets();
  const auto y_NO = stream.normal({1, 0}, {rows.plan.num_pairs(), c.width}).to(dtype) * 3;
  for (size_t e = 0; e + 1 < offsets.size(); ++e) {
    const int64_t count = offsets[e + 1] - offsets[e];
    rows.y_of_expert.push_back(count > 0 ? y_NO.narrow(0, offsets[e], count) : torch::Tensor());
  }
  rows.weight_N = stream.uniform({1, 1}, {rows.plan.num_pairs()}).to(dtype) + 0.01;
  return rows;
}

// Straight from the definition, value by value, in float64.
torch::Tensor reference(const Rows& rows, int64_t width) {
  auto sum_TO = torch::zeros({rows.plan.num_tokens(), width}, torch::kFloat64);
  const auto offsets = rows.plan.expert_offsets();
  auto has_pairs_T = torch::zeros({rows.plan.num_tokens()}, torch::kBool);
  for (int64_t p = 0; p < rows.plan.num_pairs(); ++p) {
    const auto token = rows.plan.token_N[p].item<int64_t>(), expert = rows.plan.expert_N[p].item<int64_t>();
    const auto& y = rows.y_of_expert[static_cast<size_t>(expert)];
    sum_TO[token] += rows.weight_N[p] * y[p - offsets[static_cast<size_t>(expert)]].to(torch::kFloat64).exp();
    has_pairs_T[token] = true;
  }
  return sum_TO.log().masked_fill(has_pairs_T.logical_not().unsqueeze(1), 0);
}

class LogMixtureCases : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, LogMixtureCases, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST_P(LogMixtureCases, EqualsItsDefinition) {
  const auto& c = GetParam();
  const auto in64 = rows_of(c, torch::kFloat64), in32 = rows_of(c, torch::kFloat32);
  const auto y64 = log_mixture(in64.y_of_expert, in64.weight_N, in64.plan, c.width);
  EXPECT_TRUE(torch::allclose(y64, reference(in64, c.width), 1e-12, 1e-12));
  const auto y32 = log_mixture(in32.y_of_expert, in32.weight_N, in32.plan, c.width);
  EXPECT_EQ(y32.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::allclose(y32.to(torch::kFloat64), reference(in32, c.width), 1e-5, 1e-5));
}

// Two tokens of two experts each, and one without any.
RoutingPlan small_plan() { return plan_routing(torch::tensor({{0, 1}, {1, 0}, {-1, -1}}, torch::kInt64), 2); }

// Weights .25 and .75 of equal answers leave the answer; a far smaller one adds nothing; far from 0 nothing overflows.
TEST(LogMixture, IsStableFarFromZero) {
  const auto weight_N = torch::tensor({.25, .25, .75, .75}, torch::kFloat64);
  for (const double shift : {-1000.0, 0.0, 1000.0}) {
    const std::vector<torch::Tensor> y = {torch::tensor({{shift}, {shift}}, torch::kFloat64),
                                          torch::tensor({{shift}, {shift - 2000}}, torch::kFloat64)};
    const auto y_TO = log_mixture(y, weight_N, small_plan(), 1);
    EXPECT_NEAR(y_TO[0][0].item<double>(), shift, 1e-12);
    EXPECT_NEAR(y_TO[1][0].item<double>(), shift + std::log(.25), 1e-12);
    EXPECT_EQ(y_TO[2][0].item<double>(), 0);
  }
}

TEST(LogMixture, APairWithoutWeightIsAbsent) {
  const auto weight_N = torch::tensor({1.0, 0.0, 0.0, 0.0}, torch::kFloat64).requires_grad_();
  const std::vector<torch::Tensor> y = {torch::tensor({{-900.0}, {5.0}}, torch::kFloat64),
                                        torch::tensor({{700.0}, {5.0}}, torch::kFloat64)};
  const auto y_TO = log_mixture(y, weight_N, small_plan(), 1);
  EXPECT_TRUE(torch::equal(y_TO, torch::tensor({{-900.0}, {0.0}, {0.0}}, torch::kFloat64)));
  EXPECT_TRUE(torch::isfinite(torch::autograd::grad({y_TO.sum()}, {weight_N})[0]).all().item<bool>());
}

// Central differences of a smooth function at step 1e-5 agree to about 1e-9.
TEST(LogMixture, GradientsByFiniteDifferences) {
  const auto plan = small_plan();
  const auto f = [&](const std::vector<torch::Tensor>& in) { return log_mixture({in[0], in[1]}, in[2], plan, 3); };
  const RandomStream stream("gradient");
  EXPECT_LT(gradient_error(
                f, {stream.normal({1, 0}, {2, 3}), stream.normal({1, 1}, {2, 3}), stream.uniform({1, 2}, {4}) + 0.1}),
            1e-7);
}

TEST(LogMixture, RefusesWhatDoesNotFit) {
  const auto plan = small_plan();
  EXPECT_THROW(log_mixture({torch::zeros({2, 3}), torch::zeros({1, 3})}, torch::ones({4}), plan, 3), ShapeError);
  EXPECT_THROW(log_mixture({torch::zeros({2, 3}), torch::zeros({2, 3})}, torch::ones({3}), plan, 3), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::log_mixture_test
