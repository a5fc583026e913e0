#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::mlp_test {
namespace {

std::shared_ptr<Expert> mlp(Table settings, ExpertContext context) {
  settings.set("kind", "mlp");
  return experts().make(Member(settings), context);
}

ExpertInput rows(const torch::Tensor& x_ND) { return {x_ND, torch::arange(x_ND.size(0)), x_ND.unsqueeze(0), {}, {}}; }

TEST(MlpExpert, AHandWorkedAnswer) {
  for (const auto& [activation, value] : {std::pair{"relu", 1.5},
                                          {"silu", 1.5 / (1 + std::exp(-1.5))},
                                          {"gelu", 1.5 * 0.5 * std::erfc(-1.5 / std::sqrt(2.0))}}) {
    const auto expert = mlp({{"hidden", 1}, {"activation", activation}}, {1, 1, 0, {1, "e"}});
    const torch::NoGradGuard no_grad;
    auto parameters = expert->named_parameters();
    parameters["up.weight"].fill_(2);
    parameters["up.bias"].fill_(0.5);
    parameters["down.weight"].fill_(-3);
    parameters["down.bias"].fill_(0.25);
    EXPECT_NEAR(expert->forward(rows(torch::full({1, 1}, 0.5))).item<double>(), -3 * value + 0.25, 1e-6) << activation;
  }
}

TEST(MlpExpert, CostsWhatDmmoeCounts) {
  const auto cost = mlp({{"hidden", 256}}, {128, 128, 0, {1, "e"}})->cost({1, 1, 1}).routed;
  EXPECT_EQ(cost.params, 65920);
  EXPECT_EQ(cost.macs, 65536);
}

TEST(MlpExpert, EachExpertOfAGroupTakesItsWidth) {
  for (const auto& [index, width] : {std::pair{0, 8}, {1, 24}}) {
    const auto expert = mlp({{"hidden", Array{8, 24}}}, {4, 4, index, {1, "e"}});
    EXPECT_EQ(expert->named_parameters()["up.weight"].size(0), width);
  }
}

TEST(MlpExpert, WithoutBias) { EXPECT_EQ(mlp({{"bias", false}}, {4, 4, 0, {1, "e"}})->parameters().size(), 2U); }

}  // namespace
}  // namespace heterodyne::mlp_test
