#include "heterodyne/layer/soft_moe.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::soft_moe_test {
namespace {

std::shared_ptr<SoftMoeLayer> make(Table settings, int64_t width) {
  if (!settings.contains("experts"))
    settings.set("experts",
                 Array{Table{{"kind", "mlp"}, {"hidden", 2}, {"activation", "relu"}, {"bias", false}, {"count", 2}}});
  return std::make_shared<SoftMoeLayer>(read_options<SoftMoeOptions>(settings, {"soft", "soft"}),
                                        MoeContext{width, width, {7, "layers.0"}});
}

MoeInput input_of(const torch::Tensor& x_BSD) { return {x_BSD, {}, {3, 5}}; }

// Slot 0 looks along the first axis, slot 1 along the second; expert 0 repeats its slot, expert 1 multiplies it by ten.
std::shared_ptr<SoftMoeLayer> two_slots() {
  const auto layer = make({}, 2);
  const torch::NoGradGuard no_grad;
  auto parameters = layer->named_parameters();
  parameters["slots"].copy_(5 * torch::eye(2));
  for (const auto* name : {"experts.0.up.weight", "experts.1.up.weight", "experts.0.down.weight"})
    parameters[name].copy_(torch::eye(2));
  parameters["experts.1.down.weight"].copy_(10 * torch::eye(2));
  return layer;
}

// Tokens (3, 0) and (0, 4) point along the axes, so scores are 1 with the own slot and 0 with the other; both softmaxes
// give a = e / (e + 1) and 1 - a. Slots: (3 a, 4 (1 - a)) and (3 (1 - a), 4 a).
TEST(SoftMoe, MixesAsWorkedOutByHand) {
  const double a = std::exp(1.0) / (std::exp(1.0) + 1), b = 1 - a;
  const auto y_BSO = two_slots()->forward(input_of(torch::tensor({{{3.0, 0.0}, {0.0, 4.0}}})));
  const auto wanted_BSO = torch::tensor(
      {{{a * 3 * a + b * 30 * b, a * 4 * b + b * 40 * a}, {b * 3 * a + a * 30 * b, b * 4 * b + a * 40 * a}}},
      torch::kFloat32);
  EXPECT_TRUE(torch::allclose(y_BSO, wanted_BSO, 1e-4, 1e-4)) << y_BSO;
}

TEST(SoftMoe, AHighScaleGivesEachTokenItsOwnSlot) {
  const auto layer = two_slots();
  const torch::NoGradGuard no_grad;
  layer->named_parameters()["scale"].fill_(100);
  const auto y_BSO = layer->forward(input_of(torch::tensor({{{3.0, 0.0}, {0.0, 4.0}}})));
  EXPECT_TRUE(torch::allclose(y_BSO, torch::tensor({{{3.0, 0.0}, {0.0, 40.0}}}), 1e-4, 1e-4));
}

TEST(SoftMoe, SequencesDoNotMix) {
  const auto layer = make({{"slots_per_expert", 3}}, 4);
  const auto x_BSD = fixtures::normal("x", {3, 5, 4});
  const auto whole = layer->forward(input_of(x_BSD));
  EXPECT_TRUE(torch::allclose(layer->forward(input_of(x_BSD.narrow(0, 1, 1))), whole.narrow(0, 1, 1), 1e-5, 1e-6));
}

TEST(SoftMoe, MaskedTokensAreAsIfTheyWereNotThere) {
  const auto layer = make({{"slots_per_expert", 2}}, 4);
  auto input = input_of(fixtures::normal("x", {1, 6, 4}));
  const auto alone = layer->forward(input_of(input.x_BSD.narrow(1, 0, 4)));
  input.mask_BS = (torch::arange(6) < 4).unsqueeze(0);
  const auto masked = layer->forward(input);
  EXPECT_TRUE(torch::allclose(masked.narrow(1, 0, 4), alone, 1e-5, 1e-6));
  EXPECT_EQ(masked.narrow(1, 4, 2).abs().sum().item<double>(), 0);
  input.mask_BS = torch::zeros({1, 6}, torch::kBool);
  EXPECT_EQ(layer->forward(input).abs().sum().item<double>(), 0);
}

TEST(SoftMoe, GradientsByFiniteDifferences) {
  const auto layer =
      make({{"slots_per_expert", 2},
            {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 3}}, Table{{"kind", "mlp"}, {"hidden", 5}}}}},
           4);
  layer->to(torch::kFloat64);
  auto x_BSD = fixtures::normal("x", {2, 3, 4}).to(torch::kFloat64).requires_grad_();
  std::vector<torch::Tensor> leaves{x_BSD};
  for (auto& parameter : layer->parameters()) leaves.push_back(parameter);
  EXPECT_LT(ops::leaf_gradient_error([&] { return layer->forward(input_of(x_BSD)); }, leaves), 1e-7);
}

TEST(SoftMoe, AnswersNarrowNumbersNarrowly) {
  const auto layer = make({}, 4);
  const auto x_BSD = fixtures::normal("x", {2, 3, 4});
  const auto wide = layer->forward(input_of(x_BSD));
  layer->to(torch::kBFloat16);
  const auto narrow = layer->forward(input_of(x_BSD.to(torch::kBFloat16)));
  EXPECT_EQ(narrow.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::allclose(narrow.to(torch::kFloat32), wide, 0.1, 0.05));
  EXPECT_EQ(layer->forward(input_of(torch::zeros({0, 3, 4}, torch::kBFloat16))).size(0), 0);
}

// Two experts of 4 x 2 + 2 x 4 MACs a row, three slots each; two sequences of five tokens: mixing 10 x 6 x (2 x 4 + 4).
TEST(SoftMoe, CountsWhatItComputes) {
  const auto cost = make({{"slots_per_expert", 3}}, 4)->cost(10, 5);
  EXPECT_EQ(cost.executed.macs, 10 * 6 * 12 + 2 * 2 * 3 * 16);
  EXPECT_EQ(cost.executed.params, 2 * 16 + 4 * 6 + 1);
}

TEST(SoftMoe, RefusesWhatItCannotMix) {
  const auto message = [](Array experts) {
    return fixtures::message_of<ConfigError>([&] { make({{"experts", experts}}, 4); });
  };
  EXPECT_EQ(message({}), "[soft_moe] experts: expected at least one entry, got an empty list");
  EXPECT_EQ(message({Table{{"kind", "vit_block"}, {"heads", 2}, {"hidden", 4}}}),
            "[soft_moe] experts: expected kinds that answer rows one by one, got \"vit_block\", which looks at whole "
            "sequences; slots have none");
  EXPECT_THROW(make({}, 4)->forward(input_of(torch::zeros({2, 3, 5}))), ShapeError);
}

}  // namespace
}  // namespace heterodyne::soft_moe_test
