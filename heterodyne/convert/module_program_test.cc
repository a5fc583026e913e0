#include "heterodyne/convert/module_program.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::module_program_test {
namespace {

ModuleProgram draw(int64_t M, int64_t E, int64_t D, BinBounds modules, int64_t overlap, uint64_t step) {
  const auto score = RandomStream("scores").normal({1, step}, {M * D}).exp().to(torch::kFloat64);
  return {{score.const_data_ptr<double>(), score.const_data_ptr<double>() + M * D}, D, E, modules, overlap};
}

bool keeps_rules(const ModuleProgram& program, const std::vector<int64_t>& expert_M,
                 const std::vector<uint8_t>& serves_ED) {
  const int64_t E = program.num_experts, D = program.num_domains;
  for (int64_t e = 0; e < E; ++e) {
    const auto size = std::count(expert_M.begin(), expert_M.end(), e);
    if (size < program.modules.least || size > program.modules.most) return false;
    if (std::count(serves_ED.begin() + e * D, serves_ED.begin() + (e + 1) * D, 1) == 0) return false;
  }
  for (int64_t t = 0; t < D; ++t) {
    int64_t count = 0;
    for (int64_t e = 0; e < E; ++e) count += serves_ED[static_cast<size_t>(e * D + t)];
    if (count > program.overlap) return false;
  }
  return true;
}

// By trying all plans.
double best_by_force(const ModuleProgram& program) {
  const int64_t M = program.num_modules(), E = program.num_experts, D = program.num_domains;
  int64_t placements = 1;
  for (int64_t i = 0; i < M; ++i) placements *= E;
  double best = -1;
  for (int64_t code = 0; code < placements; ++code) {
    std::vector<int64_t> expert_M(static_cast<size_t>(M));
    int64_t rest = code;
    for (auto& e : expert_M) e = rest % E, rest /= E;
    for (int64_t bits = 0; bits < int64_t{1} << (E * D); ++bits) {
      std::vector<uint8_t> serves_ED(static_cast<size_t>(E * D));
      for (int64_t i = 0; i < E * D; ++i) serves_ED[static_cast<size_t>(i)] = bits >> i & 1;
      if (keeps_rules(program, expert_M, serves_ED)) best = std::max(best, objective_of(program, expert_M, serves_ED));
    }
  }
  return best;
}

TEST(ModuleProgram, SmallCasesReachTheProvenOptimum) {
  for (uint64_t step = 0; step < 8; ++step) {
    for (const int64_t overlap : {1, 2}) {
      const auto program = draw(6, 2, 2, {2, 4}, overlap, step);
      const auto plan = solve(program);
      EXPECT_TRUE(keeps_rules(program, plan.expert_M, plan.serves_ED));
      EXPECT_NEAR(plan.objective, best_by_force(program), 1e-9) << step;
      EXPECT_NEAR(plan.objective, objective_of(program, plan.expert_M, plan.serves_ED), 1e-12);
      EXPECT_GE(plan.bound, plan.objective - 1e-9);
    }
    const auto program = draw(5, 3, 3, {1, 3}, 2, step);
    EXPECT_NEAR(solve(program).objective, best_by_force(program), 1e-9) << step;
  }
}

// HEMoE's shape: bounds 8 .. 32 of 128 modules for 8 experts, ratio 4; two experts a domain.
TEST(ModuleProgram, OfHemoesSizeItIsBetterThanChance) {
  const auto bounds = module_bounds(128, 8, 4);
  EXPECT_EQ(bounds.least, 8);
  EXPECT_EQ(bounds.most, 32);
  EXPECT_EQ(overlap_of(8, 8, 2), 2);
  const auto program = draw(128, 8, 8, bounds, 2, 0);
  const auto plan = solve(program);
  EXPECT_TRUE(keeps_rules(program, plan.expert_M, plan.serves_ED));
  std::vector<int64_t> size_E(8, 0);
  for (const int64_t e : plan.expert_M) ++size_E[static_cast<size_t>(e)];
  EXPECT_TRUE(std::is_sorted(size_E.rbegin(), size_E.rend()));
  std::vector<int64_t> turn(128);
  for (size_t i = 0; i < 128; ++i) turn[i] = static_cast<int64_t>(i % 8);
  EXPECT_GT(plan.objective, 1.3 * objective_of(program, turn, plan.serves_ED));
  EXPECT_LT(plan.gap(), 0.5);
}

TEST(ModuleProgram, RoundsBoundsLikeTheReference) {
  EXPECT_EQ(module_bounds(128, 8, 1).least, 16);
  EXPECT_EQ(module_bounds(128, 8, 1).most, 16);
  EXPECT_EQ(module_bounds(128, 8, 9).least, 5);  // 16 / 3
  EXPECT_EQ(module_bounds(128, 8, 9).most, 48);
  EXPECT_EQ(overlap_of(8, 16, 2), 1);
}

TEST(ModuleProgram, SaysWhichBoundCannotBeKept) {
  const auto message = [](const ModuleProgram& program) {
    try {
      solve(program);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message(draw(6, 3, 2, {3, 4}, 2, 0)).find("got 3 .. 4"), std::string::npos);
  EXPECT_NE(message(draw(6, 5, 2, {1, 4}, 2, 0)).find("overlap: expected at least 3"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::module_program_test
