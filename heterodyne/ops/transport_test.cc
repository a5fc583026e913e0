#include "heterodyne/ops/transport.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/assignment.h"

namespace heterodyne::ops::transport_test {
namespace {

torch::Tensor draw(int64_t T, int64_t E) { return RandomStream("scores").normal({1, 0}, {T, E}); }

// Worked out by other software with the plain form of the iteration.
TEST(SinkhornPlan, IsTheOneOfTheGoldenCase) {
  const auto logit_TE = torch::tensor({{2.0, 0.5}, {1.5, 0.2}, {1.0, 0.9}, {0.3, 0.1}}, torch::kFloat64);
  const auto plan_TE =
      torch::tensor({{.16846, .08154}, {.15711, .09289}, {.08438, .16562}, {.09005, .15995}}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(sinkhorn_plan(logit_TE, {}), plan_TE, 0, 1e-5));
}

TEST(SinkhornPlan, DividesEvenlyWhateverTheSizeOfScores) {
  for (const double scale : {0.0, 1.0, 50.0}) {
    const auto plan_TE = sinkhorn_plan(scale * draw(60, 5) + 1000.0 * torch::arange(5), {5000, 1e-9});
    EXPECT_TRUE(torch::allclose(plan_TE.sum(1), torch::full({60}, 1.0 / 60, torch::kFloat64), 1e-9, 0)) << scale;
    EXPECT_TRUE(torch::allclose(plan_TE.sum(0), torch::full({5}, 0.2, torch::kFloat64), 1e-3, 0)) << scale;
  }
}

TEST(SinkhornPlan, StopsAtTheGivenNumberOfIterations) {
  const auto score_TE = 30 * draw(60, 5);
  EXPECT_FALSE(torch::allclose(sinkhorn_plan(score_TE, {1, 1e-12}), sinkhorn_plan(score_TE, {200, 1e-12}), 1e-6, 0));
  EXPECT_EQ(sinkhorn_plan(torch::zeros({0, 5}), {}).size(0), 0);
}

// Taken alone, columns 0 and 1 both want row 0. Under the cap the best is 0.85 + 0.8 + 0.15.
TEST(CappedPlan, FindsTheBestSumUnderBothLimits) {
  const auto score_TE = torch::tensor({{.9, .8, .0}, {.85, .1, .0}, {.2, .1, .15}}, torch::kFloat64);
  const auto plan_TE = capped_plan(score_TE, {.column_sum = 1, .row_most = 1}).exp();
  const auto best_TE = torch::tensor({{0, 1, 0}, {1, 0, 0}, {0, 0, 1}}).to(torch::kFloat64);
  EXPECT_TRUE(torch::equal(plan_TE.round(), best_TE)) << plan_TE;
}

TEST(CappedPlan, KeepsItsSums) {
  const auto score_TE = draw(40, 6).softmax(-1);
  const auto plan_TE = capped_plan(score_TE, {.column_sum = 13, .row_most = 2, .smoothing = 0.1}).exp();
  EXPECT_LE(plan_TE.max().item<double>(), 1.0);
  EXPECT_LT(plan_TE.sum(1).max().item<double>(), 2.02);
  EXPECT_TRUE(torch::allclose(plan_TE.sum(0), torch::full({6}, 13.0, torch::kFloat64), 0.02, 0)) << plan_TE.sum(0);
}

TEST(Plans, AreTheSameForAnyNumberOfThreads) {
  const auto score_TE = draw(3000, 7);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = sinkhorn_plan(score_TE, {}), capped = capped_plan(score_TE, {.column_sum = 800, .row_most = 2});
  at::set_num_threads(4);
  EXPECT_TRUE(torch::equal(alone, sinkhorn_plan(score_TE, {})));
  EXPECT_TRUE(torch::equal(capped, capped_plan(score_TE, {.column_sum = 800, .row_most = 2})));
  at::set_num_threads(before);
}

}  // namespace
}  // namespace heterodyne::ops::transport_test
