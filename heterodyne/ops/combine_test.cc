#include "heterodyne/ops/combine.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::combine_test {
namespace {

class CombineCases : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, CombineCases, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

struct Inputs {
  RoutingPlan plan;
  torch::Tensor y_NO;
  torch::Tensor weight_N;

  explicit Inputs(const Case& c) : plan(plan_routing(choices_of(c), c.num_experts)) {
    y_NO = RandomStream("y").normal({1, 0}, {plan.num_pairs(), c.width}).to(torch::kFloat64);
    weight_N = RandomStream("w").uniform({1, 0}, {plan.num_pairs()}).to(torch::kFloat64);
  }

  std::vector<torch::Tensor> by_expert(const torch::Tensor& y) const {
    const auto offsets = plan.expert_offsets();
    std::vector<torch::Tensor> parts;
    for (size_t e = 0; e + 1 < offsets.size(); ++e)
      parts.push_back(y.narrow(0, offsets[e], offsets[e + 1] - offsets[e]));
    return parts;
  }

  torch::Tensor reference(const torch::Tensor& y, const torch::Tensor& weight) const {
    const auto zeros = torch::zeros({plan.num_tokens(), y.size(1)}, y.options());
    return zeros.index_add(0, plan.token_N, y * weight.unsqueeze(1).to(y.dtype()));
  }
};

TEST_P(CombineCases, SumsWhatIndexAddSums) {
  const Inputs in(GetParam());
  struct Tolerance {
    torch::Dtype dtype;
    double absolute;
  };
  // Sums of at most eight products; bfloat16 and float16 round the result once, the reference at every step.
  for (const auto& [dtype, absolute] : {Tolerance{torch::kFloat64, 1e-12}, Tolerance{torch::kFloat32, 1e-5},
                                        Tolerance{torch::kBFloat16, 6e-2}, Tolerance{torch::kFloat16, 8e-3}}) {
    const auto y = in.y_NO.to(dtype);
    const auto result = combine(in.by_expert(y), in.weight_N, in.plan, GetParam().width);
    EXPECT_EQ(result.scalar_type(), in.plan.num_pairs() > 0 ? dtype : result.scalar_type());
    EXPECT_TRUE(
        torch::allclose(result.to(torch::kFloat64), in.reference(in.y_NO, in.weight_N), 1e-2 * absolute, absolute));
  }
}

TEST_P(CombineCases, TheGradientsAreThoseOfIndexAdd) {
  const Inputs in(GetParam());
  const auto y = in.y_NO.clone().requires_grad_();
  const auto weight = in.weight_N.clone().requires_grad_();
  const auto out = RandomStream("o").normal({1, 0}, {in.plan.num_tokens(), GetParam().width}).to(torch::kFloat64);
  const auto ours =
      torch::autograd::grad({(combine(in.by_expert(y), weight, in.plan, GetParam().width) * out).sum()}, {y, weight});
  const auto theirs = torch::autograd::grad({(in.reference(y, weight) * out).sum()}, {y, weight});
  EXPECT_TRUE(torch::allclose(ours[0], theirs[0], 1e-12, 1e-12));
  EXPECT_TRUE(torch::allclose(ours[1], theirs[1], 1e-12, 1e-12));
}

TEST_P(CombineCases, TheSameBitsForAnyNumberOfThreads) {
  const Inputs in(GetParam());
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> results;
  for (const int n : {1, 3}) {
    at::set_num_threads(n);
    results.push_back(combine(in.by_expert(in.y_NO.to(torch::kFloat32)), in.weight_N, in.plan, GetParam().width));
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(results[0], results[1]));
}

// Finite differences at step 1e-5 in float64 agree to about 1e-9 for a bilinear function.
TEST(Combine, GradientsByFiniteDifferences) {
  const Inputs in({"small", 5, 3, 3, 2, Case::Pattern::kVariableK});
  const auto f = [&](const std::vector<torch::Tensor>& inputs) {
    return combine(in.by_expert(inputs[0]), inputs[1], in.plan, 3);
  };
  EXPECT_LT(gradient_error(f, {in.y_NO, in.weight_N}), 1e-8);
}

TEST(Combine, AHandWorkedSum) {
  const auto plan = plan_routing(torch::tensor({{1, 0}, {1, -1}, {-1, -1}}, torch::kInt64), 2);
  const auto y = combine({torch::tensor({{1.0, 2.0}}), torch::tensor({{3.0, 4.0}, {5.0, 6.0}})},
                         torch::tensor({0.5, 0.25, 2.0}), plan, 2);
  EXPECT_TRUE(torch::equal(y, torch::tensor({{0.5 + 0.75, 1.0 + 1.0}, {10.0, 12.0}, {0.0, 0.0}}, torch::kFloat32)));
}

TEST(Combine, AnExpertWithoutRowsMayAnswerNothing) {
  const auto plan = plan_routing(torch::tensor({{1}}, torch::kInt64), 2);
  const auto y = combine({torch::Tensor(), torch::tensor({{3.0}})}, torch::tensor({2.0}), plan, 1);
  EXPECT_EQ(y.item<float>(), 6.0F);
}

TEST(Combine, RefusesWhatDoesNotFitThePlan) {
  const auto plan = plan_routing(torch::tensor({{1}}, torch::kInt64), 2);
  try {
    combine({torch::Tensor(), torch::zeros({2, 1})}, torch::ones({1}), plan, 1);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "[combine] output of expert 1: expected [1, 1], got [2, 1]");
  }
  EXPECT_THROW(combine({torch::Tensor(), torch::zeros({1, 1})}, torch::ones({2}), plan, 1), ShapeError);
  EXPECT_THROW(combine({torch::Tensor(), torch::Tensor()}, torch::ones({1}), plan, 1), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::combine_test
