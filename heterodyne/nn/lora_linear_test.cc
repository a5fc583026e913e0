#include "heterodyne/nn/lora_linear.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::lora_linear_test {
namespace {

LoraLinear layer_of(int64_t rank) {
  LoraLinear layer({2, 3, true}, {1, "layer"});
  if (rank > 0) layer.add_lora(rank, 2, {1, "layer"});
  return layer;
}

TEST(LoraLinear, AtFirstTheCorrectionIsNone) {
  const auto x = torch::tensor({{1.0F, -2.0F}, {0.5F, 3.0F}});
  EXPECT_TRUE(torch::equal(layer_of(0).forward(x), layer_of(1).forward(x)));
  EXPECT_LE(layer_of(4).lora_a().abs().max().item<float>(), 0.70711F);
  EXPECT_GT(layer_of(4).lora_a().abs().min().item<float>(), 0);
  EXPECT_FALSE(layer_of(0).has_lora());
}

// W = 0, A = (1, 2), B = (1, 0, -1)^T, scale 2: x = (3, 1) gives 2 x 5 x B = (10, 0, -10).
TEST(LoraLinear, AddsWhatWasWorkedByHand) {
  LoraLinear layer({2, 3, false}, {1, "layer"});
  layer.weight().assign(torch::zeros({3, 2}));
  layer.add_lora(1, 2, {1, "layer"});
  const auto set = [](torch::Tensor parameter, const torch::Tensor& value) {
    const torch::NoGradGuard no_grad;
    parameter.copy_(value);
  };
  set(layer.lora_a(), torch::tensor({{1.0F, 2.0F}}));
  set(layer.lora_b(), torch::tensor({{1.0F}, {0.0F}, {-1.0F}}));
  const auto x = torch::tensor({{3.0F, 1.0F}});
  EXPECT_TRUE(torch::equal(layer.forward(x), torch::tensor({{10.0F, 0.0F, -10.0F}})));
  EXPECT_TRUE(torch::equal(layer.merged(), torch::tensor({{2.0F, 4.0F}, {0.0F, 0.0F}, {-2.0F, -4.0F}})));
  layer.forward(x).sum().backward();
  // dy = 1: dB = 2 (A x) = 10 in each row; dA = 2 (sum of B) x = 0.
  EXPECT_TRUE(torch::equal(layer.lora_b().grad(), torch::full({3, 1}, 10.0F)));
  EXPECT_TRUE(torch::equal(layer.lora_a().grad(), torch::zeros({1, 2})));
}

TEST(LoraLinear, ItsParametersHaveNames) {
  const auto layer = layer_of(2);
  const auto parameters = layer.named_parameters();
  EXPECT_EQ(parameters["lora_a"].sizes(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(parameters["lora_b"].sizes(), (std::vector<int64_t>{3, 2}));
}

}  // namespace
}  // namespace heterodyne::nn::lora_linear_test
