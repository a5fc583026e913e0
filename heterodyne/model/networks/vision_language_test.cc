#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::vision_language_test {
namespace {

constexpr DataShape kShape{3, 32, 32, 13, 29, 10};

std::shared_ptr<Network> network_of(Table settings = {}, DataShape shape = kShape) {
  settings.set("kind", "vision_language");
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

Table with_moe() {
  const Array experts{Table{{"kind", "mlp"}, {"hidden", 128}, {"count", 4}}};
  return {{"moe", Table{{"layers", Array{1, 3}}, {"router", Table{{"kind", "top_any"}}}, {"experts", experts}}}};
}

Batch pairs(int64_t B) {
  Batch batch{fixtures::normal("images", {B, 3, 32, 32}), torch::zeros({B}, torch::kInt64), {}, {}, {3, 5}};
  batch.text_BS = torch::arange(B * 10).remainder(29).view({B, 10});
  return batch;
}

// Encoder: stem 192 x 64 + 64, positions 16 x 64, two blocks of two norms, 4 x (64 x 64 + 64) and 2 x 64 x 128 + 128 +
// 64, a norm. Projector 64 x 96 + 96 and 96 x 96 + 96; words 29 x 96. Four layers of two norms of 96, 4 x 96 x 96 and
// 3 x 96 x 344; a norm, a head of 96 x 13 + 13.
TEST(VisionLanguage, CountsItsParameters) {
  constexpr int64_t kBlock = 2 * 128 + 4 * (64 * 64 + 64) + 2 * 64 * 128 + 128 + 64;
  constexpr int64_t kEncoder = 192 * 64 + 64 + 16 * 64 + 2 * kBlock + 128, kProjector = 65 * 96 + 97 * 96;
  constexpr int64_t kLayer = 2 * 96 + 4 * 96 * 96 + 3 * 96 * 344;
  EXPECT_EQ(num_params(*network_of()), kEncoder + kProjector + 29 * 96 + 4 * kLayer + 96 + 97 * 13);
}

// Sixteen patches: stem 192 x 64, two blocks of 4 x 64^2 + 2 x 16 x 64 + 2 x 64 x 128, projector 64 x 96 + 96^2. Then
// 26 tokens that see 13.5 keys on average: four layers of 4 x 96^2 + 2 x 96 x 13.5 + 3 x 96 x 344.
TEST(VisionLanguage, CountsItsWork) {
  const double encoder = 16.0 * (192 * 64 + 2 * (4 * 64 * 64 + 2 * 16 * 64 + 2 * 64 * 128) + 64 * 96 + 96 * 96);
  const double decoder = 26 * 4 * (4 * 96.0 * 96 + 2 * 96 * 13.5 + 3 * 96 * 344);
  EXPECT_DOUBLE_EQ(even_cost(*network_of()).executed.macs, encoder + decoder);
}

TEST(VisionLanguage, MixesExpertsInEverySecondLayer) {
  const auto network = network_of(with_moe());
  ASSERT_EQ(network->moe_layers().size(), 2U);
  EXPECT_EQ(network->moe_layers()[1]->layer_name(), "layers.3");
  EXPECT_EQ(network->forward(pairs(2), nullptr).logit_BY.sizes(), (std::vector<int64_t>{2, 13}));
}

TEST(VisionLanguage, ItsEncoderMayBeginWithConvolutions) {
  const auto network = network_of({{"vision", Table{{"stem", "conv"}}}});
  EXPECT_EQ(network->tokens_per_example(), 16 + 10);
  EXPECT_EQ(network->token_grid().columns, 4);
  EXPECT_EQ(network->forward(pairs(2), nullptr).logit_BY.size(1), 13);
}

// Read off at the last token of each text: what is behind it does not count, what is before it does.
TEST(VisionLanguage, AnswersBehindTheQuestion) {
  const auto network = network_of();
  network->eval();
  auto batch = pairs(2);
  batch.mask_BS = torch::arange(10).lt(torch::tensor({4, 10}).unsqueeze(1));
  const auto expected = network->forward(batch, nullptr).logit_BY;
  auto behind = batch, before = batch;
  behind.text_BS = batch.text_BS.clone();
  behind.text_BS[0].narrow(0, 4, 6).fill_(3);
  before.text_BS = batch.text_BS.clone();
  before.text_BS[0][0] = 28;
  before.text_BS[1][0] = 28;
  EXPECT_TRUE(torch::allclose(network->forward(behind, nullptr).logit_BY, expected, 1e-5, 1e-6));
  const auto change = (network->forward(before, nullptr).logit_BY - expected).abs().amax(1);
  EXPECT_GT(change.min().item<double>(), 1e-5);
  auto image = batch;
  image.inputs = batch.inputs.flip({3});
  EXPECT_GT((network->forward(image, nullptr).logit_BY - expected).abs().max().item<double>(), 1e-5);
}

TEST(VisionLanguage, RefusesWhatCannotBe) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { network_of({}, {3, 32, 32, 10}); }),
            "[network.vision_language] kind: expected data of images with texts for \"vision_language\", got images");
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { network_of({{"vision", Table{{"patch", 5}}}}); }),
            "[model] patch: expected a divisor of the image's 32 x 32 pixels, got 5");
}

}  // namespace
}  // namespace heterodyne::vision_language_test
