#include "heterodyne/ops/rows/row_waves.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "heterodyne/ops/cases.h"

namespace heterodyne::ops::internal::row_waves_test {
namespace {

struct Problem {
  RoutingPlan plan;
  std::vector<int64_t> offsets;
  torch::Tensor row_NW, weight_N;
  std::vector<size_t> experts;  // of the tasks: two for each expert with rows, the later ones first

  explicit Problem(const Case& c) : plan(plan_routing(choices_of(c), c.num_experts)), offsets(plan.expert_offsets()) {
    const RandomStream stream("rows." + c.name);
    row_NW = stream.normal({1, 0}, {plan.num_pairs(), c.width});
    weight_N = stream.uniform({1, 1}, {plan.num_pairs()});
    for (size_t e = static_cast<size_t>(c.num_experts); e-- > 0;) {
      if (offsets[e + 1] > offsets[e]) experts.insert(experts.end(), {e, e});
    }
  }

  // Each task makes every second row of its expert.
  torch::Tensor sum(bool weighted) const {
    const int64_t W = row_NW.size(1);
    const float* from = row_NW.const_data_ptr<float>();
    return RowWaves(plan, offsets, W).run(experts, weighted ? weight_N : torch::Tensor(), [&](int64_t i, float* rows) {
      const size_t e = experts[static_cast<size_t>(i)];
      for (int64_t row = i % 2; row < offsets[e + 1] - offsets[e]; row += 2)
        std::copy_n(from + (offsets[e] + row) * W, W, rows + row * W);
    });
  }

  torch::Tensor expected(bool weighted) const {
    auto scaled = row_NW.to(torch::kFloat64);
    if (weighted) scaled = scaled * weight_N.to(torch::kFloat64).unsqueeze(1);
    return torch::zeros({plan.num_tokens(), row_NW.size(1)}, torch::kFloat64).index_add(0, plan.token_N, scaled);
  }
};

// The last ones have more than the two waves whose rows are held at a time.
std::vector<Case> problems() {
  auto all = cases();
  all.push_back({"some_waves", 3000, 70, 61, 3});
  all.push_back({"some_waves_any_k", 3001, 129, 40, 4, Case::Pattern::kVariableK});
  all.push_back({"one_wide_expert", 2500, 200, 30, 1, Case::Pattern::kOneExpert});
  return all;
}

TEST(RowWaves, SumsWhatAPlainSumDoes) {
  for (const Case& c : problems()) {
    const Problem problem(c);
    for (const bool weighted : {false, true}) {
      const auto sum = problem.sum(weighted);
      EXPECT_TRUE(torch::allclose(sum.to(torch::kFloat64), problem.expected(weighted), 1e-5, 1e-6)) << c.name;
      const auto weight = weighted ? problem.weight_N : torch::Tensor();
      const RowWaves waves(problem.plan, problem.offsets, c.width);
      std::vector<size_t> experts;
      for (size_t i = 0; i < problem.experts.size(); i += 2) experts.push_back(problem.experts[i]);
      EXPECT_TRUE(torch::equal(waves.sum(experts, weight, problem.row_NW.const_data_ptr<float>()), sum)) << c.name;
    }
  }
}

TEST(RowWaves, TheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  for (const Case& c : problems()) {
    const Problem problem(c);
    torch::Tensor first;
    for (const int n : {1, 2, 3, 16}) {
      at::set_num_threads(n);
      for (int repeat = 0; repeat < 4; ++repeat) {
        const auto sum = problem.sum(true);
        if (!first.defined()) first = sum;
        EXPECT_TRUE(torch::equal(sum, first)) << c.name << ", " << n << " threads";
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(RowWaves, ExpertsWithoutTasksAddNothing) {
  Problem problem({"without", 50, 8, 4, 2});
  std::erase(problem.experts, size_t{2});
  const auto left = problem.plan.expert_N != 2;
  const auto expected =
      torch::zeros({50, 8}).index_add(0, problem.plan.token_N.masked_select(left), problem.row_NW.index({left}));
  EXPECT_TRUE(torch::allclose(problem.sum(false), expected, 1e-5, 1e-6));
}

TEST(RowWaves, AnExceptionOfATaskComesBackAndNobodyWaits) {
  const Problem problem({"some_waves", 3000, 70, 61, 3});
  const auto run = [&](size_t failing) {
    RowWaves(problem.plan, problem.offsets, 70).run(problem.experts, {}, [&](int64_t i, float* rows) {
      const size_t e = problem.experts[static_cast<size_t>(i)];
      if (e == failing) throw std::runtime_error("this one");
      std::fill_n(rows, (problem.offsets[e + 1] - problem.offsets[e]) * 70, 1.0F);
    });
  };
  for (const size_t failing : {0, 30, 60}) EXPECT_THROW(run(failing), std::runtime_error);
}

}  // namespace
}  // namespace heterodyne::ops::internal::row_waves_test
