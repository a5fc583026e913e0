#include "heterodyne/ops/lstm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::lstm_test {
namespace {

constexpr double kTolerance = 2e-5;  // float32 sums, relative to the largest value

struct Problem {
  torch::Tensor pre_BSG, hidden_BH, cell_BH, matrix_GH, dy_BSH, dhidden_BH, dcell_BH;

  Problem(int64_t B, int64_t S, int64_t H) {
    uint64_t step = 0;
    const auto draw = [&](torch::IntArrayRef sizes) { return RandomStream("lstm").normal({1, step++}, sizes); };
    pre_BSG = draw({B, S, 4 * H}).requires_grad_();
    hidden_BH = draw({B, H}).requires_grad_();
    cell_BH = draw({B, H}).requires_grad_();
    matrix_GH = (draw({4 * H, H}) / std::sqrt(static_cast<double>(H))).detach().requires_grad_();
    dy_BSH = draw({B, S, H});
    dhidden_BH = draw({B, H});
    dcell_BH = draw({B, H});
  }

  LstmSteps steps() const { return lstm_steps(pre_BSG, hidden_BH, cell_BH, matrix_GH); }

  // The formulas of the header, in float64.
  LstmSteps reference() const {
    const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    auto h = wide(hidden_BH), c = wide(cell_BH);
    std::vector<torch::Tensor> all;
    for (int64_t t = 0; t < pre_BSG.size(1); ++t) {
      const auto gates = (wide(pre_BSG).select(1, t) + h.matmul(wide(matrix_GH).t())).chunk(4, 1);
      c = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh();
      h = gates[3].sigmoid() * c.tanh();
      all.push_back(h);
    }
    return {torch::stack(all, 1), h, c};
  }

  std::vector<torch::Tensor> gradients(const LstmSteps& steps) const {
    const auto type = steps.y_BSH.scalar_type();
    return torch::autograd::grad({steps.y_BSH, steps.hidden_BH, steps.cell_BH},
                                 {pre_BSG, hidden_BH, cell_BH, matrix_GH},
                                 {dy_BSH.to(type), dhidden_BH.to(type), dcell_BH.to(type)});
  }
};

double error_of(const torch::Tensor& got, const torch::Tensor& expected) {
  return (got - expected).abs().max().item<double>() / std::max(1.0, expected.abs().max().item<double>());
}

class EveryIsaOfLstm : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { set_isa(GetParam()); }
  void TearDown() override { set_isa(before_); }

 private:
  Isa before_ = isa();
};

INSTANTIATE_TEST_SUITE_P(, EveryIsaOfLstm, testing::ValuesIn(available_isas()),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(EveryIsaOfLstm, EqualsTheFormula) {
  for (const auto& [B, S, H] : {std::tuple{1, 1, 8}, {3, 5, 9}, {70, 4, 32}, {8, 20, 100}, {5, 3, 520}}) {
    const Problem problem(B, S, H);
    const auto got = problem.steps(), expected = problem.reference();
    EXPECT_LT(error_of(got.y_BSH, expected.y_BSH), kTolerance) << H;
    EXPECT_LT(error_of(got.hidden_BH, expected.hidden_BH), kTolerance) << H;
    EXPECT_LT(error_of(got.cell_BH, expected.cell_BH), kTolerance) << H;
    const auto gradients = problem.gradients(got), wanted = problem.gradients(expected);
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_LT(error_of(gradients[i], wanted[i]), kTolerance) << H << " " << i;
  }
}

TEST_P(EveryIsaOfLstm, ThreadsDoNotChangeABit) {
  const int threads = at::get_num_threads();
  const Problem problem(32, 6, 130);
  at::set_num_threads(1);
  const auto steps = problem.steps();
  const auto expected = problem.gradients(steps);
  for (const int count : {2, 3}) {
    at::set_num_threads(count);
    const auto again = problem.steps();
    EXPECT_TRUE(torch::equal(again.y_BSH, steps.y_BSH));
    const auto got = problem.gradients(again);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(torch::equal(got[i], expected[i])) << i;
  }
  at::set_num_threads(threads);
}

TEST(LstmSteps, GradientsOfTheStateAlone) {
  const Problem problem(3, 4, 16);
  const auto got = torch::autograd::grad({problem.steps().cell_BH}, {problem.pre_BSG}, {problem.dcell_BH});
  const auto wanted =
      torch::autograd::grad({problem.reference().cell_BH}, {problem.pre_BSG}, {problem.dcell_BH.to(torch::kFloat64)});
  EXPECT_LT(error_of(got[0], wanted[0]), kTolerance);
}

TEST(LstmSteps, RefusesWhatDoesNotFit) {
  EXPECT_THROW(lstm_steps(torch::zeros({2, 3, 32}), torch::zeros({2, 8}), torch::zeros({2, 8}), torch::zeros({32, 9})),
               ShapeError);
  EXPECT_THROW(lstm_steps(torch::zeros({2, 3, 31}), torch::zeros({2, 8}), torch::zeros({2, 8}), torch::zeros({32, 8})),
               ShapeError);
  EXPECT_THROW(lstm_steps(torch::zeros({2, 3, 32}), torch::zeros({1, 8}), torch::zeros({2, 8}), torch::zeros({32, 8})),
               ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::lstm_test
