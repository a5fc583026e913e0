#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::image_text_test {
namespace {

constexpr DataShape kShape{3, 64, 64, 13, 29, 10};

std::shared_ptr<Network> network_of(Table settings, DataShape shape = kShape) {
  settings.set("kind", "image_text");
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

Table with_moe(Table settings = {}) {
  const Array experts{Table{{"kind", "mlp"}, {"hidden", 192}, {"count", 2}}};
  settings.set("moe", Table{{"layers", Array{1}}, {"experts", experts}});
  return settings;
}

Batch pairs(int64_t B) {
  Batch batch{fixtures::normal("images", {B, 3, 64, 64}), torch::zeros({B}, torch::kInt64), {}, {}, {3, 5}};
  batch.text_BS = torch::arange(B * 10).remainder(29).view({B, 10});
  return batch;
}

// Stem 27 x 24 + 2 x 24, 9 x 24 x 48 + 2 x 48, 9 x 48 x 96 + 2 x 96; words 29 x 96; positions (64 + 10) x 96; a block
// 2 x 192 + 4 x (96 x 96 + 96) + 2 x 96 x 192 + 192 + 96; a gate 96 x 2; experts 2 x (2 x 96 x 192 + 192 + 96); a norm
// and a head of 96 x 13 + 13.
TEST(ImageTextNetwork, CountsItsParameters) {
  constexpr int64_t kStem = 27 * 24 + 48 + 9 * 24 * 48 + 96 + 9 * 48 * 96 + 192, kMlp = 2 * 96 * 192 + 192 + 96;
  constexpr int64_t kBlock = 2 * 192 + 4 * (96 * 96 + 96) + kMlp, kTokens = 29 * 96 + 74 * 96, kHead = 192 + 97 * 13;
  EXPECT_EQ(num_params(*network_of(with_moe())), kStem + kTokens + 2 * kBlock + 192 + 2 * kMlp + kHead);
  EXPECT_EQ(num_params(*network_of({})), kStem + kTokens + 3 * kBlock + kHead);
}

TEST(ImageTextNetwork, ItsTokensArePatchesThenWords) {
  const auto network = network_of(with_moe());
  EXPECT_EQ(network->tokens_per_example(), 74);
  const auto parts = network->token_parts();
  EXPECT_EQ(parts[0].name, "image");
  EXPECT_EQ(parts[0].count, 64);
  EXPECT_EQ(parts[1].count, 10);
  EXPECT_EQ(network->token_grid().columns, 8);
  EXPECT_EQ(network_of({{"stem", "patch"}, {"patch", 16}})->tokens_per_example(), 26);
  EXPECT_EQ(network_of({{"convs", 4}})->tokens_per_example(), 26);
}

// The answer depends on the image, on each word, and on the words' order.
TEST(ImageTextNetwork, ReadsBoth) {
  const auto network = network_of(with_moe());
  network->eval();
  const auto batch = pairs(2);
  const auto expected = network->forward(batch, nullptr).logit_BY;
  const auto differs = [&](const Batch& other) {
    return (network->forward(other, nullptr).logit_BY - expected).abs().max().item<double>();
  };
  Batch image = batch, words = batch, order = batch;
  image.inputs = batch.inputs.flip({3});
  words.text_BS = batch.text_BS.clone();
  words.text_BS.select(1, 4).fill_(28);
  order.text_BS = batch.text_BS.flip({1});
  EXPECT_GT(differs(image), 1e-4);
  EXPECT_GT(differs(words), 1e-4);
  EXPECT_GT(differs(order), 1e-5);
}

std::string message_of(const Table& settings, DataShape shape = kShape) {
  return fixtures::message_of<ConfigError>([&] { network_of(settings, shape); });
}

TEST(ImageTextNetwork, RefusesWhatCannotBe) {
  EXPECT_EQ(message_of({}, {3, 32, 32, 10}),
            "[network.image_text] kind: expected data of images with texts for \"image_text\", got images");
  DataShape text;
  text.vocabulary = text.num_classes = 10;
  text.length = 5;
  EXPECT_EQ(message_of({}, text),
            "[network.image_text] kind: expected data of images with texts for \"image_text\", got text");
  EXPECT_EQ(message_of(with_moe({{"layers", 1}})),
            "[network.image_text] moe.layers: expected indices below layers = 1, got 1");
  auto batch = pairs(2);
  batch.text_BS = batch.text_BS.narrow(1, 0, 4);
  EXPECT_EQ(fixtures::message_of<ShapeError>([&] { network_of({})->forward(batch, nullptr); }),
            "[model.image_text] text_BS: expected [B = 2, L = 10], got [2, 4]");
}

}  // namespace
}  // namespace heterodyne::image_text_test
