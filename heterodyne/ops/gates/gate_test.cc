#include "heterodyne/ops/gates/gate.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/gates/gate_cpu.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne::ops::gate_test {
namespace {

torch::Tensor draw(uint64_t step, torch::IntArrayRef sizes) { return RandomStream("gate").normal({1, step}, sizes); }

double error_of(const torch::Tensor& got, const torch::Tensor& expected) {
  if (expected.numel() == 0) return 0;
  return (got - expected).abs().max().item<double>() / std::max(1.0, expected.abs().max().item<double>());
}

struct Sizes {
  int64_t T, D, E, k;
};
const std::vector<Sizes> kSizes{{0, 8, 4, 2},     {1, 8, 1, 1},    {33, 100, 37, 5},
                                {70, 64, 129, 8}, {40, 7, 64, 64}, {65, 16, 300, 1}};

TEST(Gate, EqualsLogitsThenTopK) {
  const Isa before = isa();
  for (const Isa each : available_isas()) {
    set_isa(each);
    for (const auto& s : kSizes) {
      const auto x = draw(1, {s.T, s.D}).requires_grad_(), matrix = draw(2, {s.E, s.D}).requires_grad_();
      const auto dlogit = draw(3, {s.T, s.k}), dsum = draw(4, {s.T});
      const auto choice = gate_top_k(x, matrix, s.k, "test", true);
      const auto logits = x.to(torch::kFloat64).matmul(matrix.to(torch::kFloat64).t());
      EXPECT_TRUE(torch::equal(choice.expert_TK, top_k(logits, s.k, "test"))) << s.E;
      const auto expected = logits.gather(1, choice.expert_TK), sum = logits.logsumexp(1);
      EXPECT_LT(error_of(choice.logit_TK, expected), 1e-5);
      EXPECT_LT(error_of(choice.log_sum_exp_T, sum), 1e-5);
      const auto got = torch::autograd::grad({choice.logit_TK, choice.log_sum_exp_T}, {x, matrix}, {dlogit, dsum});
      const auto wanted =
          torch::autograd::grad({expected, sum}, {x, matrix}, {dlogit.to(torch::kFloat64), dsum.to(torch::kFloat64)});
      for (size_t i = 0; i < 2; ++i) EXPECT_LT(error_of(got[i], wanted[i]), 2e-5) << s.E << " " << i;
    }
  }
  set_isa(before);
}

// The gradient of who reads the tokens from the gate, whether it comes alone in its memory or somebody else holds it.
TEST(Gate, TokensHandedOnGiveTheSumOfBothGradients) {
  const auto x = draw(1, {33, 20}).requires_grad_(), matrix = draw(2, {37, 20}).requires_grad_();
  const auto dlogit = draw(3, {33, 3}), factor = draw(4, {33, 20}), held = draw(5, {33, 20});
  const auto alone = torch::autograd::grad({gate_top_k(x, matrix, 3, "test").logit_TK}, {x, matrix}, {dlogit});
  for (const bool is_held : {false, true}) {
    const auto choice = gate_top_k(x, matrix, 3, "test");
    ASSERT_TRUE(torch::equal(choice.x_TD, x));
    const auto y = is_held ? choice.x_TD : choice.x_TD * factor;
    const auto copy = held.clone();
    const auto got = torch::autograd::grad({choice.logit_TK, y}, {x, matrix}, {dlogit, is_held ? held : held * 1});
    EXPECT_LT(error_of(got[0], alone[0] + (is_held ? held : held * factor)), 1e-5);
    EXPECT_TRUE(torch::equal(got[1], alone[1]));
    EXPECT_TRUE(torch::equal(held, copy)) << "a gradient that somebody holds was changed";
    const auto unused = torch::autograd::grad({gate_top_k(x, matrix, 3, "test").x_TD}, {x}, {held});
    EXPECT_TRUE(torch::equal(unused[0], held));
  }
  EXPECT_FALSE(gate_top_k(x.detach(), matrix, 3, "test").x_TD.defined()) << "nobody wants its gradient";
}

TEST(Gate, TiesGoToTheLowestPosition) {
  const auto choice = gate_top_k(torch::ones({2, 4}), torch::ones({40, 4}), 3, "test");
  EXPECT_TRUE(torch::equal(choice.expert_TK, torch::tensor({{0, 1, 2}, {0, 1, 2}}, torch::kInt64)));
  EXPECT_FALSE(choice.log_sum_exp_T.defined());
}

TEST(Gate, TheBestOfARowAreThoseOfAStableSort) {
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  const auto draw_R = RandomStream("rows").uniform({7, 0}, {40 * 300});
  const float* draws = draw_R.const_data_ptr<float>();
  for (int64_t row = 0; row < 40; ++row) {
    for (const int64_t count : {31, 32, 33, 47, 64, 100, 129, 300}) {
      for (const int64_t k : {1, 2, 3, 8, 16, 17}) {
        const float levels = row % 4 == 0 ? 3 : row % 4 == 1 ? 40 : 1e6F;  // many equal ones, some, hardly any
        std::vector<float> logits(static_cast<size_t>(count));
        for (size_t i = 0; i < logits.size(); ++i) logits[i] = std::floor(draws[row * 300 + int64_t(i)] * levels);
        if (row % 4 == 3) std::fill(logits.begin() + 5, logits.end() - 3, kLeast);
        std::vector<int64_t> expected(logits.size()), position(static_cast<size_t>(k));
        std::vector<float> best(position.size());
        std::iota(expected.begin(), expected.end(), 0);
        std::stable_sort(expected.begin(), expected.end(),
                         [&](int64_t a, int64_t b) { return logits[size_t(a)] > logits[size_t(b)]; });
        expected.resize(position.size());
        ASSERT_TRUE(internal::best_of_row(logits.data(), count, k, position.data(), best.data()));
        ASSERT_EQ(position, expected) << row << " " << count << " " << k;
        for (size_t i = 0; i < best.size(); ++i) ASSERT_EQ(best[i], logits[size_t(position[i])]);
        logits[static_cast<size_t>(count - 1 - row % 3)] = std::numeric_limits<float>::quiet_NaN();
        ASSERT_FALSE(internal::best_of_row(logits.data(), count, k, position.data(), best.data()));
      }
    }
  }
}

TEST(Gate, ThreadsDoNotChangeABit) {
  const int threads = at::get_num_threads();
  const auto x = draw(1, {300, 40}).requires_grad_(), matrix = draw(2, {100, 40}).requires_grad_();
  const auto pass = [&] {
    const auto choice = gate_top_k(x, matrix, 4, "test");
    auto all = torch::autograd::grad({choice.logit_TK}, {x, matrix}, {draw(3, {300, 4})});
    all.push_back(choice.expert_TK);
    return all;
  };
  at::set_num_threads(1);
  const auto expected = pass();
  for (const int count : {2, 3}) {
    at::set_num_threads(count);
    const auto got = pass();
    for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(torch::equal(got[i], expected[i]));
  }
  at::set_num_threads(threads);
}

TEST(Gate, ANaNIsNamedByItsToken) {
  auto x = draw(1, {70, 8});
  x[66][1] = std::numeric_limits<float>::quiet_NaN();
  x[35][1] = std::numeric_limits<float>::quiet_NaN();
  try {
    gate_top_k(x, draw(2, {50, 8}), 2, "layers.0.router");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[layers.0.router] scores: expected numbers, got NaN for 2 of 70 tokens, the first is token 35");
  }
}

TEST(Gate, RefusesMoreChoicesThanExperts) {
  EXPECT_THROW(gate_top_k(torch::zeros({2, 3}), torch::zeros({4, 3}), 5, "test"), ShapeError);
  EXPECT_THROW(gate_top_k(torch::zeros({2, 3}), torch::zeros({4, 2}), 1, "test"), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::gate_test
