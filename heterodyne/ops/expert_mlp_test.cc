#include "heterodyne/ops/expert_mlp.h"

#include <ATen/Parallel.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels.h"

namespace heterodyne::ops::expert_mlp_test {
namespace {

// Sums over thousands of float32 products, relative to the largest value.
constexpr double kTolerance = 2e-5;

struct Form {
  Activation activation;
  bool is_gated, has_bias, is_recomputed;
  std::vector<int64_t> widths;
};

const std::vector<Form> kForms{
    {Activation::kGelu, false, true, false, {37, 64, 1, 130}}, {Activation::kRelu, false, false, false, {64}},
    {Activation::kSilu, true, false, false, {65, 7, 128}},     {Activation::kGeluTanh, true, true, false, {33, 100}},
    {Activation::kGeluTanh, false, true, true, {33, 70}},      {Activation::kSilu, true, true, true, {70, 5}}};

struct Problem {
  torch::Tensor x_TD, weight_N, dy_TO;
  RoutingPlan plan;
  std::vector<ExpertMlp> experts;
  int64_t O = 0;

  std::vector<torch::Tensor> leaves() const {
    std::vector<torch::Tensor> all{x_TD, weight_N};
    for (const auto& e : experts) {
      for (const auto& p : {e.up_FD, e.gate_FD, e.down_OF, e.up_bias_F, e.gate_bias_F, e.down_bias_O}) {
        if (p.defined()) all.push_back(p);
      }
    }
    return all;
  }
};

Problem make_problem(const Case& c, const Form& form, int64_t O) {
  Problem problem;
  const RandomStream stream("expert_mlp." + c.name);
  uint64_t step = 0;
  const auto draw = [&](torch::IntArrayRef sizes, double scale) {
    return (stream.normal({1, step++}, sizes) * scale).requires_grad_();
  };
  problem.O = O;
  problem.plan = plan_routing(choices_of(c), c.num_experts);
  problem.x_TD = draw({c.num_tokens, c.width}, 1);
  problem.weight_N = draw({problem.plan.num_pairs()}, 1);
  problem.dy_TO = draw({c.num_tokens, O}, 1).detach();
  for (int64_t e = 0; e < c.num_experts; ++e) {
    ExpertMlp expert;
    const int64_t F = form.widths[static_cast<size_t>(e) % form.widths.size()];
    const double up = 1 / std::sqrt(static_cast<double>(c.width)), down = 1 / std::sqrt(static_cast<double>(F));
    expert.activation = form.activation;
    expert.is_recomputed = form.is_recomputed;
    expert.up_FD = draw({F, c.width}, up);
    expert.down_OF = draw({O, F}, down);
    if (form.is_gated) expert.gate_FD = draw({F, c.width}, up);
    if (form.has_bias) {
      expert.up_bias_F = draw({F}, 0.3);
      expert.down_bias_O = draw({O}, 0.3);
      if (form.is_gated) expert.gate_bias_F = draw({F}, 0.3);
    }
    problem.experts.push_back(expert);
  }
  return problem;
}

torch::Tensor activated(Activation activation, const torch::Tensor& x) {
  switch (activation) {
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kSilu:
      return at::silu(x);
  }
  return x;
}

torch::Tensor times(const torch::Tensor& x, const torch::Tensor& matrix, const torch::Tensor& bias) {
  const auto y = x.matmul(matrix.to(torch::kFloat64).t());
  return bias.defined() ? y + bias.to(torch::kFloat64) : y;
}

// The formula of the header, in float64.
torch::Tensor reference(const Problem& problem) {
  auto y_TO = torch::zeros({problem.x_TD.size(0), problem.O}, torch::kFloat64);
  const auto offsets = problem.plan.expert_offsets();
  for (size_t e = 0; e < problem.experts.size(); ++e) {
    const auto& expert = problem.experts[e];
    if (!expert.defined() || offsets[e + 1] == offsets[e]) continue;
    const auto token_n = problem.plan.token_N.slice(0, offsets[e], offsets[e + 1]);
    const auto x = problem.x_TD.to(torch::kFloat64).index_select(0, token_n);
    const auto up = times(x, expert.up_FD, expert.up_bias_F);
    const auto h = expert.gate_FD.defined()
                       ? activated(expert.activation, times(x, expert.gate_FD, expert.gate_bias_F)) * up
                       : activated(expert.activation, up);
    const auto y = times(h, expert.down_OF, expert.down_bias_O);
    const auto weight = problem.weight_N.slice(0, offsets[e], offsets[e + 1]).to(torch::kFloat64);
    y_TO = y_TO.index_add(0, token_n, y * weight.unsqueeze(1));
  }
  return y_TO;
}

torch::Tensor answer(const Problem& problem) {
  return expert_mlps(problem.x_TD, problem.weight_N, problem.plan, problem.experts, problem.O);
}

double error_of(const torch::Tensor& got, const torch::Tensor& expected) {
  if (expected.numel() == 0) return 0;
  const double largest = std::max(1.0, expected.abs().max().item<double>());
  return (got.to(torch::kFloat64) - expected).abs().max().item<double>() / largest;
}

std::vector<torch::Tensor> gradients(const torch::Tensor& y, const Problem& problem) {
  auto all = torch::autograd::grad({y}, problem.leaves(), {problem.dy_TO.to(y.scalar_type())}, false, false, true);
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].defined()) all[i] = torch::zeros_like(problem.leaves()[i]);
  }
  return all;
}

void expect_equal_to_reference(const Problem& problem, const std::string& what) {
  const auto y = answer(problem), expected = reference(problem);
  EXPECT_LT(error_of(y, expected), kTolerance) << what;
  if (!expected.requires_grad()) return;
  const auto got = gradients(y, problem), wanted = gradients(expected, problem);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_LT(error_of(got[i], wanted[i]), kTolerance) << what << " leaf " << i;
}

class EveryIsa : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { set_isa(GetParam()); }
  void TearDown() override { set_isa(before_); }

 private:
  Isa before_ = isa();
};

std::vector<Isa> kernel_isas() {
  auto all = available_isas();
  std::erase(all, Isa::kPlain);
  return all;
}

INSTANTIATE_TEST_SUITE_P(, EveryIsa, testing::ValuesIn(kernel_isas()),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(EveryIsa, EqualsThePlainFormulaForEveryCaseAndForm) {
  for (const Case& c : cases()) {
    for (size_t f = 0; f < kForms.size(); ++f) {
      const int64_t O = f % 2 == 0 ? c.width : 2 * c.width + 3;
      expect_equal_to_reference(make_problem(c, kForms[f], O), c.name + " form " + std::to_string(f));
    }
  }
}

TEST_P(EveryIsa, ManyRowsOfOneExpertAreCutIntoChunks) {
  for (const int64_t rows : {255, 256, 257, 600, 1000}) {
    const Case c{"chunks", rows, 40, 2, 1, Case::Pattern::kOneExpert};
    for (const Form& form : {kForms[2], kForms[4]}) expect_equal_to_reference(make_problem(c, form, 40), c.name);
  }
}

TEST_P(EveryIsa, ThreadsDoNotChangeABit) {
  const int threads = at::get_num_threads();
  for (const Case& c : {Case{"few", 700, 48, 2, 2}, Case{"many", 300, 20, 65, 4}}) {
    for (const size_t f : {size_t{0}, size_t{5}}) {
      const Form& form = kForms[f];
      const auto problem = make_problem(c, form, c.width);
      at::set_num_threads(1);
      const auto y = answer(problem);
      const auto expected = gradients(y, problem);
      const bool is_first = c.name == "few" && f == 0;  // many threads on few cores take their time
      for (const int count : is_first ? std::vector<int>{2, 3, 16} : std::vector<int>{2, 3}) {
        at::set_num_threads(count);
        const auto again = answer(problem);
        EXPECT_TRUE(torch::equal(again, y)) << count;
        const auto got = gradients(again, problem);
        for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(torch::equal(got[i], expected[i])) << count << " " << i;
      }
    }
  }
  at::set_num_threads(threads);
}

// One thread takes these rows in nine chunks, two take them in phases, whose last chunk has two rows.
TEST_P(EveryIsa, ThreadsDoNotChangeABitOfCompactExperts) {
  const int threads = at::get_num_threads();
  const torch::NoGradGuard no_grad;
  for (const auto format : {Compact::kBf16, Compact::kInt8}) {
    auto problem = make_problem({"two_left", 2050, 40, 1, 1}, kForms[2], 40);
    for (auto& expert : problem.experts) {
      expert.up_compact = compacted(expert.up_FD, format);
      expert.down_compact = compacted(expert.down_OF, format);
      if (expert.gate_FD.defined()) expert.gate_compact = compacted(expert.gate_FD, format);
    }
    at::set_num_threads(1);
    const auto y = answer(problem);
    for (const int count : {2, 3}) {
      at::set_num_threads(count);
      EXPECT_TRUE(torch::equal(answer(problem), y)) << count;
    }
  }
  at::set_num_threads(threads);
}

TEST_P(EveryIsa, WhatIsNotANumberPropagates) {
  auto problem = make_problem({"usual", 64, 32, 4, 2}, kForms[2], 32);
  {
    const torch::NoGradGuard no_grad;
    problem.x_TD[5][3] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto y = answer(problem);
  const auto rows = torch::isnan(y).all(1);
  EXPECT_TRUE(rows[5].item<bool>());
  EXPECT_EQ(rows.sum().item<int64_t>(), 1);
}

TEST(ExpertMlps, AHandWorkedGatedExpert) {
  // x = (1, 2); gate (1, 0): a = 1; up (0, 1): u = 2; relu: h = 1 * 2; down (3): 6; weight 0.5: 3.
  const auto plan = plan_routing(torch::zeros({1, 1}, torch::kInt64), 1);
  ExpertMlp expert{Activation::kRelu, torch::tensor({{0.0F, 1.0F}}), torch::tensor({{3.0F}}),
                   torch::tensor({{1.0F, 0.0F}})};
  const auto y = expert_mlps(torch::tensor({{1.0F, 2.0F}}), torch::tensor({0.5F}), plan, {expert}, 1);
  EXPECT_FLOAT_EQ(y.item<float>(), 3.0F);
}

TEST(ExpertMlps, PackedPanelsGiveTheSameBits) {
  auto problem = make_problem({"packed", 100, 70, 3, 2}, kForms[3], 70);
  const auto y = answer(problem);
  for (auto& e : problem.experts) {
    e.up_panels = pack_panels(e.up_FD);
    e.gate_panels = pack_panels(e.gate_FD);
    e.down_panels = pack_panels(e.down_OF);
  }
  EXPECT_TRUE(torch::equal(answer(problem), y));
}

// Rows, their weights and parameters that learn get the gradients that float32 experts of the rounded values give them,
// at the hidden values of the forward pass. Where that rounds rows too, some of them are on the other side of zero.
TEST_P(EveryIsa, GradientsGoThroughCompactExperts) {
  const bool is_exact = internal::rounding_of(Compact::kBf16, 1 << 20) == internal::Rounding::kNone;
  auto all = cases();
  all.push_back({"chunks", 601, 72, 3, 2});
  all.push_back({"one_odd_chunk", 131, 33, 2, 2});
  for (const Case& c : all) {
    for (const auto& form : kForms) {
      const double tolerance = is_exact ? 1e-5 : form.activation == Activation::kRelu ? 0.2 : 0.02;
      for (const bool learns : {false, true}) {
        auto problem = make_problem(c, form, c.width);
        for (auto& expert : problem.experts) {
          for (auto* parameter : {&expert.up_FD, &expert.gate_FD, &expert.down_OF, &expert.up_bias_F,
                                  &expert.gate_bias_F, &expert.down_bias_O}) {
            if (!parameter->defined()) continue;
            *parameter = parameter->detach().to(torch::kBFloat16).to(torch::kFloat32).requires_grad_(learns);
          }
        }
        auto compact = problem;
        for (auto& expert : compact.experts) {
          expert.up_compact = compacted(expert.up_FD, Compact::kBf16);
          expert.down_compact = compacted(expert.down_OF, Compact::kBf16);
          if (expert.gate_FD.defined()) expert.gate_compact = compacted(expert.gate_FD, Compact::kBf16);
        }
        const auto gradients = [&](const Problem& p) {
          const auto y_TO = expert_mlps(p.x_TD, p.weight_N, p.plan, p.experts, p.O);
          const auto of = learns ? p.leaves() : std::vector<torch::Tensor>{p.x_TD, p.weight_N};
          return torch::autograd::grad({y_TO}, of, {p.dy_TO}, {}, false, true);
        };
        const auto expected = gradients(problem), got = gradients(compact);
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(got[i].defined(), expected[i].defined()) << c.name << " " << i;
          if (!expected[i].defined()) continue;
          const double size = expected[i].norm().item<double>();
          EXPECT_LE((got[i] - expected[i]).norm().item<double>(), tolerance * std::max(size, 2.0))
              << c.name << " " << i;
        }
      }
    }
  }
}

TEST(ExpertMlps, OnlyWhatWantsAGradientGetsOne) {
  auto problem = make_problem({"usual", 64, 32, 4, 2}, kForms[0], 32);
  problem.experts[1].up_FD.requires_grad_(false);
  problem.experts[1].up_bias_F.requires_grad_(false);
  problem.experts[2] = {};
  problem.x_TD.requires_grad_(false);
  const auto y = answer(problem);
  y.backward(problem.dy_TO);
  const auto expected = torch::autograd::grad({reference(problem)}, {problem.experts[1].down_OF, problem.weight_N},
                                              {problem.dy_TO.to(torch::kFloat64)});
  EXPECT_FALSE(problem.experts[1].up_FD.grad().defined());
  EXPECT_FALSE(problem.x_TD.grad().defined());
  EXPECT_LT(error_of(problem.experts[1].down_OF.grad(), expected[0]), kTolerance);
  EXPECT_LT(error_of(problem.weight_N.grad(), expected[1]), kTolerance);
}

TEST(ExpertMlps, AnExpertWithoutRowsHasNoGradient) {
  const auto problem = make_problem({"unused", 40, 16, 4, 2, Case::Pattern::kUnusedExpert}, kForms[1], 16);
  answer(problem).backward(problem.dy_TO);
  EXPECT_FALSE(problem.experts[1].up_FD.grad().defined());
  EXPECT_TRUE(problem.experts[0].up_FD.grad().defined());
}

TEST(ExpertMlps, RefusesWhatDoesNotFit) {
  auto problem = make_problem({"usual", 64, 32, 4, 2}, kForms[0], 32);
  problem.experts[3].down_OF = torch::zeros({32, 5});
  try {
    answer(problem);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "[expert_mlps] expert 3: down_OF: expected contiguous float32 [32, 130], got [32, 5]");
  }
  problem = make_problem({"usual", 64, 32, 4, 2}, kForms[0], 32);
  problem.experts[0].up_bias_F = torch::zeros({4});
  EXPECT_THROW(answer(problem), ShapeError);
  problem = make_problem({"usual", 64, 32, 4, 2}, kForms[0], 32);
  problem.x_TD = torch::zeros({63, 32});
  EXPECT_THROW(answer(problem), ShapeError);
}

TEST(ExpertMlps, ThereAreNoSecondDerivatives) {
  const auto problem = make_problem({"usual", 64, 32, 4, 2}, kForms[1], 32);
  EXPECT_THROW(torch::autograd::grad({answer(problem)}, {problem.x_TD}, {problem.dy_TO}, true, true), Error);
}

}  // namespace
}  // namespace heterodyne::ops::expert_mlp_test
