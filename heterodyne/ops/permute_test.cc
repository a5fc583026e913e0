#include "heterodyne/ops/permute.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::permute_test {
namespace {

class PermuteCases : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, PermuteCases, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

torch::Tensor input_of(const Case& c) { return RandomStream("x." + c.name).normal({1, 0}, {c.num_tokens, c.width}); }

TEST_P(PermuteCases, GathersWhatIndexSelectGathers) {
  const auto plan = plan_routing(choices_of(GetParam()), GetParam().num_experts);
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16, torch::kFloat16}) {
    const auto x_TD = input_of(GetParam()).to(dtype);
    const auto rows = permute(x_TD, plan);
    EXPECT_TRUE(torch::equal(torch::cat(rows), x_TD.index_select(0, plan.token_N)));
  }
}

TEST_P(PermuteCases, TheGradientIsThatOfIndexSelect) {
  const auto plan = plan_routing(choices_of(GetParam()), GetParam().num_experts);
  auto x_TD = input_of(GetParam()).to(torch::kFloat64).requires_grad_();
  const auto weight = RandomStream("g").normal({1, 0}, {plan.num_pairs(), GetParam().width}).to(torch::kFloat64);
  const auto loss = (torch::cat(permute(x_TD, plan)) * weight).sum();
  const auto expected = torch::autograd::grad({(x_TD.index_select(0, plan.token_N) * weight).sum()}, {x_TD})[0];
  // Sums of at most eight terms in another order: 1e-12 is far above float64's rounding.
  EXPECT_TRUE(torch::allclose(torch::autograd::grad({loss}, {x_TD})[0], expected, 1e-12, 1e-12));
}

TEST_P(PermuteCases, TheSameBitsForAnyNumberOfThreads) {
  const auto plan = plan_routing(choices_of(GetParam()), GetParam().num_experts);
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> results;
  for (const int n : {1, 3}) {
    at::set_num_threads(n);
    auto x_TD = input_of(GetParam()).requires_grad_();
    const auto rows = torch::cat(permute(x_TD, plan));
    results.push_back(torch::autograd::grad({rows.pow(2).sum()}, {x_TD})[0]);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(results[0], results[1]));
}

TEST(Permute, RowsNobodyUsedHaveNoGradient) {
  const auto plan = plan_routing(torch::tensor({{0, 1}, {1, 2}}, torch::kInt64), 4);
  auto x_TD = torch::tensor({{1.0, 2.0}, {3.0, 4.0}}).requires_grad_();
  const auto rows = permute(x_TD, plan);
  EXPECT_TRUE(torch::equal(rows[0], torch::tensor({{1.0, 2.0}})));
  EXPECT_TRUE(torch::equal(rows[2], torch::tensor({{3.0, 4.0}})));
  EXPECT_EQ(rows[3].size(0), 0);
  const auto dx = torch::autograd::grad({rows[2].sum()}, {x_TD})[0];
  EXPECT_TRUE(torch::equal(dx, torch::tensor({{0.0, 0.0}, {1.0, 1.0}})));
}

TEST(Permute, AcceptsInputThatIsNotContiguous) {
  const auto plan = plan_routing(torch::tensor({{1}, {0}, {1}}, torch::kInt64), 2);
  const auto x_TD = torch::arange(12, torch::kFloat32).reshape({4, 3}).t();
  const auto rows = permute(x_TD, plan);
  EXPECT_TRUE(torch::equal(torch::cat(rows), x_TD.index_select(0, plan.token_N)));
}

TEST(Permute, RefusesAnotherNumberOfTokens) {
  const auto plan = plan_routing(torch::zeros({3, 1}, torch::kInt64), 2);
  EXPECT_THROW(permute(torch::zeros({4, 2}), plan), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::permute_test
