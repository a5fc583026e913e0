#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::conv1d_test {
namespace {

TEST(Conv1dExpert, AHandWorkedAnswer) {
  const auto expert = experts().make(Member(Table{{"kind", "conv1d"}, {"channels", 1}, {"kernel", 3}}),
                                     ExpertContext{3, 3, 0, {1, "e"}});
  const torch::NoGradGuard no_grad;
  auto parameters = expert->named_parameters();
  parameters["widen_weight"].copy_(torch::tensor({0.0, 100.0, 0.0}).view({1, 3}));
  parameters["narrow_weight"].copy_(torch::tensor({1.0, 2.0, 0.0}).view({1, 3}));
  // GELU is the identity to within float32 at 100, 200, 300: signal 100 x; then left neighbour + 2 x itself; plus x.
  const auto x = torch::tensor({{1.0F, 2.0F, 3.0F}});
  const auto y = expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}});
  EXPECT_TRUE(torch::allclose(y, torch::tensor({{201.0F, 502.0F, 803.0F}})));
}

TEST(Conv1dExpert, CostsWhatDmmoeCounts) {
  const auto expert = experts().make(Member(Table{{"kind", "conv1d"}}), ExpertContext{128, 128, 0, {1, "e"}});
  EXPECT_EQ(expert->cost({1, 1, 1}).routed.params, 353);
  EXPECT_EQ(expert->cost({1, 1, 1}).routed.macs, 40960);
}

TEST(Conv1dExpert, AnEvenKernelIsRefused) {
  try {
    experts().make(Member(Table{{"kind", "conv1d"}, {"kernel", 4}}), ExpertContext{8, 8, 0, {1, "e"}});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "[expert.conv1d] kernel: expected an odd number, got 4");
  }
}

}  // namespace
}  // namespace heterodyne::conv1d_test
