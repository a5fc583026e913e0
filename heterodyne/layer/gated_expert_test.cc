#include "heterodyne/layer/gated_expert.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::gated_expert_test {
namespace {

std::shared_ptr<Expert> gated(const char* kind, const Value& hidden, ExpertContext context) {
  return experts().make(Member(Table{{"kind", kind}, {"hidden", hidden}}), context);
}

// x = (1, 2), W1 x = (3, -1), W3 x = (2, 4), W2 = (1, 10).
TEST(GatedExpert, AHandWorkedAnswer) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto normal = [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; };
  for (const auto& [kind, y] : {std::pair("swiglu", 3 * sigmoid(3) * 2 - 10 * sigmoid(-1) * 4),
                                std::pair("geglu", 3 * normal(3) * 2 - 10 * normal(-1) * 4)}) {
    const auto expert = gated(kind, 2, {2, 1, 0, {1, "e"}});
    const torch::NoGradGuard no_grad;
    auto p = expert->named_parameters();
    ASSERT_EQ(p.size(), 3U) << "no biases";
    p["w1.weight"].copy_(torch::tensor({{1.0, 1.0}, {1.0, -1.0}}));
    p["w3.weight"].copy_(torch::tensor({{2.0, 0.0}, {0.0, 2.0}}));
    p["w2.weight"].copy_(torch::tensor({{1.0, 10.0}}));
    const auto x = torch::tensor({{1.0F, 2.0F}});
    EXPECT_NEAR(expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}}).item<double>(), y, 1e-5) << kind;
  }
}

TEST(GatedExpert, CostsThreeMatrices) {
  const auto cost = gated("swiglu", 96, {32, 32, 0, {1, "e"}})->cost({2, 2, 1});
  EXPECT_EQ(cost.routed.params, 3 * 96 * 32);
  EXPECT_EQ(cost.executed.macs, 2 * 3 * 96 * 32);
}

TEST(GatedExpert, EachExpertOfAGroupTakesItsWidth) {
  for (const auto& [index, width] : {std::pair{0, 8}, {1, 24}}) {
    EXPECT_EQ(gated("geglu", Array{8, 24}, {4, 4, index, {1, "e"}})->named_parameters()["w1.weight"].size(0), width);
  }
}

}  // namespace
}  // namespace heterodyne::gated_expert_test
