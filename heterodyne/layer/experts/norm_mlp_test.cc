#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::norm_mlp_test {
namespace {

std::shared_ptr<Expert> expert_of(Table settings, ExpertContext context) {
  settings.set("kind", "norm_mlp");
  return experts().make(Member(settings), context);
}

ExpertInput rows(const torch::Tensor& x_ND) {
  return {x_ND, torch::arange(x_ND.size(0)), x_ND.unsqueeze(0), {}, {3, 5}};
}

// The expert of the CIFAR-10 comparison: 256 -> 512 -> 256 -> 10, 267,018 parameters, 264,704 multiply-adds.
TEST(NormMlpExpert, HasThePublishedSize) {
  const auto cost = expert_of({{"dropout", 0.3}}, {256, 10, 0, {1, "e"}})->cost({1, 1, 1}).routed;
  EXPECT_EQ(cost.params, 267018);
  EXPECT_EQ(cost.macs, 256 * 512 + 512 * 256 + 256 * 10);
}

// With matrices of ones: x = (1, 3) -> relu(4, 4) -> norm gives (0, 0), to which the norm's bias adds (1, -1) ->
// relu(0, 0) -> norm and bias (2, 2) -> 4.
TEST(NormMlpExpert, AHandWorkedAnswer) {
  const auto expert = expert_of({{"hidden", 2}, {"inner", 2}, {"activation", "relu"}}, {2, 1, 0, {1, "e"}});
  const torch::NoGradGuard no_grad;
  auto parameters = expert->named_parameters();
  for (const char* name : {"linear0.weight", "linear1.weight", "answer.weight"}) parameters[name].fill_(1);
  for (const char* name : {"linear0.bias", "linear1.bias", "answer.bias"}) parameters[name].fill_(0);
  parameters["norm0.bias"].copy_(torch::tensor({1.0F, -1.0F}));
  parameters["norm1.bias"].fill_(2);
  EXPECT_NEAR(expert->forward(rows(torch::tensor({{1.0F, 3.0F}}))).item<double>(), 4, 1e-5);
}

TEST(NormMlpExpert, DropsInTrainingAlone) {
  const auto expert = expert_of({{"dropout", 0.5}}, {8, 4, 0, {1, "e"}});
  const auto x_ND = fixtures::normal("x", {5, 8});
  expert->eval();
  const auto whole = expert->forward(rows(x_ND));
  EXPECT_TRUE(torch::equal(expert->forward(rows(x_ND)), whole));
  expert->train();
  EXPECT_FALSE(torch::allclose(expert->forward(rows(x_ND)), whole));
}

TEST(NormMlpExpert, EachExpertOfAGroupTakesItsWidths) {
  const auto second = expert_of({{"hidden", Array{8, 24}}, {"inner", Array{4, 6}}}, {4, 4, 1, {1, "e"}});
  EXPECT_EQ(second->named_parameters()["linear0.weight"].size(0), 24);
  EXPECT_EQ(second->named_parameters()["answer.weight"].size(1), 6);
}

}  // namespace
}  // namespace heterodyne::norm_mlp_test
