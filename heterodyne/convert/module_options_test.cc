#include "heterodyne/convert/module_options.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::module_options_test {
namespace {

// Two bundles of similar neurons, each of which matters to one of two domains: each becomes an expert.
TEST(ModuleOptions, ModulesThatMatterToADomainComeTogether) {
  PartitionInput input;
  const auto noise_FH = RandomStream("noise").normal({1, 0}, {16, 4}) * 0.05;
  const auto first_F1 = (torch::arange(16) < 8).to(torch::kFloat32).unsqueeze(1);
  input.key_FH =
      first_F1 * torch::tensor({1.0, 0.0, 0.0, 0.0}) + (1 - first_F1) * torch::tensor({0.0, 1.0, 0.0, 0.0}) + noise_FH;
  input.level_FD = torch::cat({first_F1, 1 - first_F1}, 1).to(torch::kFloat64) + 0.01;
  input.num_experts = 2;
  const auto found = divide_modules(input, {.modules = 4, .ratio = 1, .coherence = 1, .restarts = 4});
  const auto expert_of = [&](size_t n) { return found.plan.expert_M[static_cast<size_t>(found.module_F[n])]; };
  for (size_t n = 0; n < 8; ++n) EXPECT_EQ(expert_of(n), expert_of(0)) << n;
  for (size_t n = 8; n < 16; ++n) EXPECT_EQ(expert_of(n), 1 - expert_of(0)) << n;
  EXPECT_NEAR(found.plan.objective, 16 * 1.01, 1e-9);
}

TEST(ModuleOptions, MoreModulesThanNeuronsAreRefused) {
  PartitionInput input;
  input.key_FH = torch::ones({4, 2});
  input.level_FD = torch::ones({4, 1}, torch::kFloat64);
  input.num_experts = 2;
  EXPECT_THROW(divide_modules(input, {.modules = 5}), Error);
}

}  // namespace
}  // namespace heterodyne::module_options_test
