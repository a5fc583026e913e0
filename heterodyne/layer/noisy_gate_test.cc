#include "heterodyne/layer/noisy_gate.h"

#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/random.h"

namespace heterodyne::noisy_gate_test {
namespace {

torch::Tensor row(std::vector<double> values) { return torch::tensor(values, torch::kFloat64).unsqueeze(0); }

// One token, four experts, k = 2, worked outside this program with six digits.
const auto kClean = row({1, 0.5, 0.2, -0.3});
const auto kRawStd = row({0, 0.3, -0.4, 0.1});
const auto kDraw = row({0.5, -0.6, 0.9, -0.2});

void expect_near(const torch::Tensor& value, std::vector<double> expected) {
  EXPECT_TRUE(torch::allclose(value, row(std::move(expected)), 0, 1e-6)) << value;
}

TEST(NoisyGate, GivesThePapersValues) {
  const auto scores = noisy_scores(kClean, kRawStd, kDraw, 0);
  expect_near(scores.std_TE, {0.693147, 0.854355, 0.513015, 0.744397});
  expect_near(scores.noisy_TE, {1.346574, -0.012613, 0.661714, -0.448879});
  const auto choice = keep_best(scores, 2, "gate");
  EXPECT_TRUE(torch::equal(choice.expert_TK, torch::tensor({{0, 2}}, torch::kInt64)));
  expect_near(choice.weight_TK, {0.664823, 0.335177});
  expect_near(choice.keep_TE, {0.927977, 0.424936, 0.660723, 0.098189});
}

TEST(NoisyGate, GivesTheValuesOfAFloor) {
  const auto scores = noisy_scores(kClean, kRawStd, kDraw, 0.01);
  expect_near(scores.std_TE, {0.703147, 0.864355, 0.523015, 0.754397});
  expect_near(scores.noisy_TE, {1.351574, -0.018613, 0.670714, -0.450879});
  const auto choice = keep_best(scores, 2, "gate");
  expect_near(choice.weight_TK, {0.663931, 0.336069});
  expect_near(choice.keep_TE, {0.926282, 0.421717, 0.662021, 0.099092});
}

// The noise of one expert is drawn anew a hundred thousand times, that of the others stays.
TEST(NoisyGate, KeepProbabilityIsTheShareOfRedraws) {
  constexpr int64_t kRedraws = 100000;
  const auto keep = keep_best(noisy_scores(kClean, kRawStd, kDraw, 0), 2, "gate").keep_TE;
  for (int64_t expert = 0; expert < 4; ++expert) {
    auto draw = kDraw.repeat({kRedraws, 1});
    draw.select(1, expert).copy_(RandomStream("redraw").normal({1, static_cast<uint64_t>(expert)}, {kRedraws}));
    const auto scores = noisy_scores(kClean.expand_as(draw), kRawStd.expand_as(draw), draw, 0);
    const auto chosen = keep_best(scores, 2, "gate").expert_TK == expert;
    const double share = chosen.any(1).to(torch::kFloat64).mean().item<double>();
    EXPECT_NEAR(keep[0][expert].item<double>(), share, 5e-3) << expert;
  }
}

TEST(NoisyGate, WithoutNoiseOrWithAllKeptItCounts) {
  expect_near(keep_best(quiet_scores(kClean), 2, "gate").keep_TE, {1, 1, 0, 0});
  const auto all = keep_best(noisy_scores(kClean, kRawStd, kDraw, 0), 4, "gate");
  expect_near(all.keep_TE, {1, 1, 1, 1});
  const auto dense = noisy_scores(kClean, kRawStd, kDraw, 0).noisy_TE.softmax(-1);
  EXPECT_TRUE(torch::allclose(all.weight_TK, dense.gather(1, all.expert_TK)));
}

TEST(NoisyGate, AVanishingDeviationCanBeDividedBy) {
  auto raw = torch::full({1, 4}, -200.0).requires_grad_();
  const auto scores = noisy_scores(kClean.to(torch::kFloat32), raw, kDraw, 0);
  EXPECT_FLOAT_EQ(scores.std_TE.min().item<float>(), 1e-6F);
  const auto keep = keep_best(scores, 2, "gate").keep_TE;
  EXPECT_TRUE(torch::allclose(keep, torch::tensor({{1.0F, 1.0F, 0.0F, 0.0F}})));
  EXPECT_TRUE(torch::isfinite(torch::autograd::grad({keep.sum()}, {raw})[0]).all().item<bool>());
}

TEST(NoisyGate, NamesWhereANaNIs) {
  const auto clean = torch::full({2, 3}, std::numeric_limits<float>::quiet_NaN());
  const auto text = fixtures::message_of<Error>([&] { keep_best(quiet_scores(clean), 1, "layers.0.router"); });
  EXPECT_EQ(text.find("[layers.0.router] scores: expected numbers, got NaN"), 0U) << text;
}

}  // namespace
}  // namespace heterodyne::noisy_gate_test
