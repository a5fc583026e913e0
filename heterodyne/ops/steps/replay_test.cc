#include "heterodyne/ops/steps/replay.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/random.h"

namespace heterodyne::ops::replay_test {
namespace {

torch::Tensor draw(const char* name, int64_t size) { return RandomStream(name).normal({3, 1}, {size}); }

// Steps as an optimizer in its `first` step and later takes them, and the moments after them.
struct Steps {
  std::vector<double> c, a;
  IdleAdam idle;

  Steps(int64_t first, int64_t count, double lr, double decay) {
    double mean = 1, square = 1;
    for (int64_t i = 0; i < count; ++i) {
      const auto t = static_cast<double>(first + i);
      mean *= 0.9;
      square *= 0.999;
      c.push_back(lr * mean / (1 - std::pow(0.9, t)) * std::pow(decay, static_cast<double>(count - 1 - i)));
      a.push_back(std::sqrt(square / (1 - std::pow(0.999, t))));
    }
    idle.decay = std::pow(decay, static_cast<double>(count));
    idle.mean_scale = mean;
    idle.square_scale = square;
    idle.eps = 1e-8;
    idle.set_steps(c, a);
  }
};

// The formula of the header, term after term in float64.
torch::Tensor expected_parameter(const Steps& steps, const torch::Tensor& p, const torch::Tensor& m,
                                 const torch::Tensor& v) {
  auto sum = torch::zeros_like(v, torch::kFloat64);
  for (size_t i = 0; i < steps.c.size(); ++i)
    sum += steps.c[i] / (steps.a[i] * v.to(torch::kFloat64).sqrt() + steps.idle.eps);
  return p.to(torch::kFloat64) * steps.idle.decay - m.to(torch::kFloat64) * sum;
}

// The first step changes the bias correction the most; the others have one value in a block and many blocks.
TEST(Replay, IsTheSumOverAllSteps) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    for (const int64_t size : {0, 1, 15, 255, 257, 40'000}) {
      for (const auto& [first, count] : {std::pair<int64_t, int64_t>(2, 1), {2, 300}, {1000, 7}, {5, 2000}}) {
        const Steps steps(first, count, 0.01, 0.9999);
        auto p = draw("p", size).to(dtype), m = draw("m", size).to(dtype) * 0.1;
        auto v = draw("v", size).to(dtype).square() * 1e-3;
        if (size > 0) v[0] = 0;  // eps alone is left
        const auto expected = expected_parameter(steps, p, m, v);
        const auto mean = m * steps.idle.mean_scale, square = v * steps.idle.square_scale;
        replay(std::vector<AdamTensors>{{p, m, v, &steps.idle}}, false);
        const double precision = dtype == torch::kFloat32 ? 1e-6 : 1e-12;
        EXPECT_TRUE(torch::allclose(p.to(torch::kFloat64), expected, precision, precision))
            << size << ", steps " << first << " and " << count - 1 << " more: " << (p - expected).abs().max();
        EXPECT_TRUE(torch::allclose(m, mean, 1e-6)) << size;
        EXPECT_TRUE(torch::allclose(v, square, 1e-6)) << size;
      }
    }
  }
}

TEST(Replay, FewGroupsStandForManySteps) {
  EXPECT_LE(Steps(1000, 500, 0.01, 1).idle.groups.size(), 3U);
  EXPECT_EQ(Steps(1000, 1, 0.01, 1).idle.groups.size(), 1U);
  EXPECT_TRUE(Steps(1000, 0, 0.01, 1).idle.groups.empty());
  EXPECT_EQ(Steps(1000, 3000, 0.01, 1).idle.mean_scale, 0) << "0.9^3000";
}

TEST(Replay, WeightsAloneLeaveTheMomentsAsTheyAre) {
  const Steps steps(10, 20, 0.01, 0.999);
  auto p = draw("p", 100), m = draw("m", 100), v = draw("v", 100).square();
  auto other = p.clone();
  const auto mean = m.clone(), square = v.clone();
  replay(std::vector<AdamTensors>{{p, m, v, &steps.idle}}, true);
  EXPECT_TRUE(torch::equal(m, mean));
  EXPECT_TRUE(torch::equal(v, square));
  replay(std::vector<AdamTensors>{{other, m, v, &steps.idle}}, false);
  EXPECT_TRUE(torch::equal(p, other));
}

// Three idle steps and one with a gradient, all at once or the weights first: the same, and what Kingma and Ba's
// algorithm says of the last step, in float64.
TEST(Replay, MomentsMayBeLeftToTheStepThatFollows) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    for (const int64_t size : {0, 1, 15, 255, 40'000}) {
      const Steps idle(11, 3, 0.01, 0.999);
      const AdamStep last{idle.idle.mean_scale, idle.idle.square_scale, 0.9, 0.999, 1e-8, 0.99, 0.02, 1.5};
      auto p = draw("p", size).to(dtype), m = draw("m", size).to(dtype), v = draw("v", size).to(dtype).square();
      const auto g = draw("g", size).to(dtype);
      auto whole_p = p.clone();
      const auto whole_m = m.clone(), whole_v = v.clone();
      replay(std::vector<AdamTensors>{{whole_p, whole_m, whole_v, &idle.idle}}, false);
      const auto mean = 0.9 * whole_m + 0.1 * g, square = 0.999 * whole_v + 0.001 * g * g;
      const auto expected = 0.99 * whole_p - 0.02 * mean / (1.5 * square.sqrt() + 1e-8);

      replay(std::vector<AdamTensors>{{p, m, v, &idle.idle}}, true);
      step({{p, g, m, v, &last}});
      const double precision = dtype == torch::kFloat32 ? 1e-6 : 1e-13;
      EXPECT_TRUE(torch::allclose(m, mean, precision, precision)) << size;
      EXPECT_TRUE(torch::allclose(v, square, precision, precision)) << size;
      EXPECT_TRUE(torch::allclose(p, expected, precision, precision)) << size;
    }
  }
}

TEST(Replay, NoSquareMakesTheFirstStepAsLargeAsEpsAllows) {
  IdleAdam idle;
  idle.eps = 0.5;
  idle.set_steps({0.25}, {3});
  auto p = torch::ones({1}), m = torch::ones({1}), v = torch::zeros({1});
  replay(std::vector<AdamTensors>{{p, m, v, &idle}}, false);
  EXPECT_EQ(p.item<float>(), 0.5F) << "1 - 0.25 / 0.5";
}

TEST(Replay, NaNAndInfinityStay) {
  const Steps steps(10, 20, 0.01, 0.999);
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  auto p = torch::tensor({nan, inf, 1.0F, 1.0F}), m = torch::tensor({0.1F, 0.1F, nan, 0.1F});
  auto v = torch::tensor({1.0F, 1.0F, 1.0F, nan});
  replay(std::vector<AdamTensors>{{p, m, v, &steps.idle}}, false);
  EXPECT_TRUE(std::isnan(p[0].item<float>()));
  EXPECT_EQ(p[1].item<float>(), inf);
  EXPECT_TRUE(std::isnan(p[2].item<float>()));
  EXPECT_TRUE(std::isnan(p[3].item<float>()));
}

// p <- 2 p - 3 b, b <- 5 p + 7 b from (1, 2): -4 and 19.
TEST(Replay, ALinearRuleIsFourNumbers) {
  const IdleLinear idle{2, -3, 5, 7};
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    auto p = torch::ones({300}, dtype), b = torch::full({300}, 2, dtype);
    replay(std::vector<LinearTensors>{{p, b, &idle}}, true);
    EXPECT_TRUE(p.eq(-4).all().item<bool>());
    EXPECT_TRUE(b.eq(2).all().item<bool>());
    p.fill_(1);
    replay(std::vector<LinearTensors>{{p, b, &idle}}, false);
    EXPECT_TRUE(p.eq(-4).all().item<bool>());
    EXPECT_TRUE(b.eq(19).all().item<bool>());
  }
}

TEST(Replay, OneThreadGivesTheBitsOfTwo) {
  const Steps steps(10, 20, 0.01, 0.999);
  const auto run = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    auto p = draw("p", 100'000), m = draw("m", 100'000), v = draw("v", 100'000).square();
    replay(std::vector<AdamTensors>{{p, m, v, &steps.idle}}, false);
    at::set_num_threads(before);
    return p;
  };
  EXPECT_TRUE(torch::equal(run(1), run(2)));
}

TEST(Replay, TakesWhatLiesInOnePiece) {
  EXPECT_TRUE(can_replay(torch::zeros({2, 3})));
  EXPECT_FALSE(can_replay(torch::zeros({2, 3}).t()));
  EXPECT_FALSE(can_replay(torch::zeros({2, 3}, torch::kBFloat16)));
}

}  // namespace
}  // namespace heterodyne::ops::replay_test
