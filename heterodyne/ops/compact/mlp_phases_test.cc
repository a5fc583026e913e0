#include "heterodyne/ops/compact/mlp_phases.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/expert_mlp.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels.h"

namespace heterodyne::ops::mlp_phases_test {
namespace {

struct Form {
  Activation activation;
  bool is_gated, has_bias;
  std::vector<int64_t> widths;
};
const std::vector<Form> kForms{{Activation::kGelu, false, true, {37, 64, 1, 130}},
                               {Activation::kSilu, true, false, {65, 7, 128}},
                               {Activation::kRelu, true, true, {64}}};

struct Problem {
  torch::Tensor x_TD, weight_N;
  RoutingPlan plan;
  std::vector<ExpertMlp> experts;

  torch::Tensor run(const std::vector<ExpertMlp>& with) const {
    return expert_mlps(x_TD, weight_N, plan, with, x_TD.size(1));
  }
};

Problem make_problem(const Case& c, const Form& form) {
  Problem problem;
  const RandomStream stream("mlp_phases." + c.name);
  uint64_t step = 0;
  const auto draw = [&](torch::IntArrayRef sizes, double scale) { return stream.normal({1, step++}, sizes) * scale; };
  problem.plan = plan_routing(choices_of(c), c.num_experts);
  problem.x_TD = draw({c.num_tokens, c.width}, 1);
  problem.weight_N = draw({problem.plan.num_pairs()}, 1);
  const double up = 1 / std::sqrt(static_cast<double>(c.width));
  for (int64_t e = 0; e < c.num_experts; ++e) {
    const int64_t F = form.widths[static_cast<size_t>(e) % form.widths.size()];
    const double down = 1 / std::sqrt(static_cast<double>(F));
    ExpertMlp expert{form.activation, draw({F, c.width}, up), draw({c.width, F}, down)};
    if (form.is_gated) expert.gate_FD = draw({F, c.width}, up);
    if (form.has_bias) {
      expert.up_bias_F = draw({F}, 0.3);
      expert.down_bias_O = draw({c.width}, 0.3);
      if (form.is_gated) expert.gate_bias_F = draw({F}, 0.3);
    }
    problem.experts.push_back(expert);
  }
  return problem;
}

std::vector<ExpertMlp> with_panels(std::vector<ExpertMlp> experts) {
  for (auto& expert : experts) {
    expert.up_panels = pack_panels(expert.up_FD);
    expert.down_panels = pack_panels(expert.down_OF);
    if (expert.gate_FD.defined()) expert.gate_panels = pack_panels(expert.gate_FD);
  }
  return experts;
}

// Compact ones, and float32 ones of the values that they stand for.
std::pair<std::vector<ExpertMlp>, std::vector<ExpertMlp>> compact_and_meant(const std::vector<ExpertMlp>& experts,
                                                                            Compact format) {
  std::pair<std::vector<ExpertMlp>, std::vector<ExpertMlp>> both{experts, experts};
  for (size_t e = 0; e < experts.size(); ++e) {
    const auto replace = [&](torch::Tensor ExpertMlp::* matrix, CompactPointer ExpertMlp::* compact) {
      if (!(experts[e].*matrix).defined()) return;
      both.first[e].*compact = compacted(experts[e].*matrix, format);
      both.second[e].*matrix = expanded(*(both.first[e].*compact));
    };
    replace(&ExpertMlp::up_FD, &ExpertMlp::up_compact);
    replace(&ExpertMlp::gate_FD, &ExpertMlp::gate_compact);
    replace(&ExpertMlp::down_OF, &ExpertMlp::down_compact);
  }
  return both;
}

// The paths on which experts are run together.
std::vector<Isa> kernel_paths() {
  auto all = available_isas();
  std::erase(all, Isa::kPlain);
  return all;
}

class EveryPath : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { set_isa(GetParam()); }
  void TearDown() override { set_isa(before_); }

 private:
  Isa before_ = isa();
};

INSTANTIATE_TEST_SUITE_P(, EveryPath, testing::ValuesIn(kernel_paths()),
                         [](const auto& each) { return std::string(name_of(each.param)); });

// In one phase each expert's rows are a task; in two the threads share its panels.
TEST_P(EveryPath, ManyThreadsChangeNoBit) {
  const torch::NoGradGuard no_grad;
  const int before = at::get_num_threads();
  for (const auto& form : kForms) {
    for (const auto& c : cases()) {
      const auto problem = make_problem(c, form);
      const auto packed = with_panels(problem.experts);
      at::set_num_threads(1);
      const auto one = problem.run(packed);
      at::set_num_threads(64);  // every case has too few experts for so many
      const auto many = problem.run(packed);
      at::set_num_threads(before);
      EXPECT_TRUE(torch::equal(one, many)) << c.name;
      EXPECT_TRUE(torch::allclose(one, problem.run(problem.experts), 1e-4, 1e-5)) << c.name;
    }
  }
}

// One thread has enough chunks, many have not.
TEST_P(EveryPath, WholeChunksHaveTheBitsOfPhases) {
  const int before = at::get_num_threads();
  for (const int64_t T : {12, 300}) {  // two rows of an expert, and 45
    const auto problem = make_problem({"whole", T, 288, 20, 3}, kForms[1]);
    for (const Compact format : compact_formats()) {
      const auto experts = compact_and_meant(problem.experts, format).first;
      const auto run = [&](int threads, bool learns) {
        at::set_num_threads(threads);
        const auto x_TD = problem.x_TD.clone().requires_grad_(learns);
        const auto y_TD = expert_mlps(x_TD, problem.weight_N, problem.plan, experts, 288);
        if (learns) y_TD.square().sum().backward();
        return std::pair(y_TD.detach(), x_TD.grad());
      };
      for (const bool learns : {false, true}) {
        const auto whole = run(1, learns), phases = run(64, learns);
        EXPECT_TRUE(torch::equal(whole.first, phases.first)) << T << " tokens, " << name_of(format);
        EXPECT_TRUE(!learns || torch::equal(whole.second, phases.second)) << T << " tokens, " << name_of(format);
      }
    }
  }
  at::set_num_threads(before);
}

TEST_P(EveryPath, CompactExpertsAreThoseTheyStandFor) {
  const torch::NoGradGuard no_grad;
  for (const auto& form : kForms) {
    for (const auto& c : cases()) {
      const auto problem = make_problem(c, form);
      for (const Compact format : compact_formats()) {
        const auto [compact, meant] = compact_and_meant(problem.experts, format);
        const auto y = problem.run(compact), expected = problem.run(meant);
        ASSERT_EQ(y.sizes(), expected.sizes());
        if (y.numel() == 0) continue;
        // Rows are rounded to bfloat16 where that is multiplied.
        const double scale = std::max(1.0, expected.abs().max().item<double>());
        EXPECT_LE((y - expected).abs().max().item<double>(), 0.02 * scale) << c.name << ", " << name_of(format);
      }
    }
  }
}

TEST_P(EveryPath, AFewRowsAreNearlyExact) {
  const torch::NoGradGuard no_grad;
  const Case few{"few", 3, 100, 5, 2};
  for (const auto& form : kForms) {
    const auto problem = make_problem(few, form);
    for (const Compact format : compact_formats()) {
      const auto [compact, meant] = compact_and_meant(problem.experts, format);
      // Rows of whole numbers have 16 bits.
      const double tolerance = format == Compact::kBf16 ? 1e-5 : 1e-4;
      EXPECT_TRUE(torch::allclose(problem.run(compact), problem.run(meant), 1e-4, tolerance)) << name_of(format);
    }
  }
}

// Rows are rounded as the first matrix wants them; the second makes do with it.
TEST_P(EveryPath, MatricesOfOneExpertMayDifferInFormat) {
  const torch::NoGradGuard no_grad;
  for (const int64_t T : {3, 9, 60}) {
    const auto problem = make_problem({"mixed", T, 100, 2, 2}, kForms[1]);
    for (const Compact first : compact_formats()) {
      for (const Compact second : compact_formats()) {
        auto [experts, meant] = compact_and_meant(problem.experts, first);
        for (size_t e = 0; e < 2; ++e) {
          experts[e].gate_compact = compacted(problem.experts[e].gate_FD, second);
          meant[e].gate_FD = expanded(*experts[e].gate_compact);
        }
        const auto expected = problem.run(meant);
        const double scale = std::max(1.0, expected.abs().max().item<double>());
        EXPECT_LE((problem.run(experts) - expected).abs().max().item<double>(), 0.02 * scale)
            << T << " tokens, " << name_of(first) << " and " << name_of(second);
      }
    }
  }
}

TEST(MlpPhases, CompactAndOtherExpertsMayStandBesideEachOther) {
  if (isa() == Isa::kPlain) GTEST_SKIP() << "skipped: no kernels";
  const torch::NoGradGuard no_grad;
  const auto problem = make_problem(cases().front(), kForms[0]);
  auto [experts, meant] = compact_and_meant(problem.experts, Compact::kInt8);
  experts[1] = meant[1] = problem.experts[1];
  EXPECT_THROW(problem.run(experts), Error) << "no panels";
  experts[1] = meant[1] = with_panels({problem.experts[1]})[0];
  const auto expected = problem.run(meant);
  const double scale = std::max(1.0, expected.abs().max().item<double>());
  EXPECT_LE((problem.run(experts) - expected).abs().max().item<double>(), 0.02 * scale);
}

TEST(MlpPhases, RefusesOtherShapes) {
  const auto problem = make_problem(cases().front(), kForms[1]);
  auto experts = compact_and_meant(problem.experts, Compact::kBf16).first;
  const torch::NoGradGuard no_grad;
  experts[0].gate_compact = experts[0].down_compact;
  EXPECT_THROW(problem.run(experts), ShapeError);
  experts[0].gate_compact = nullptr;
  EXPECT_THROW(problem.run(experts), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::mlp_phases_test
