#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::mobilenet_tokens_test {
namespace {

// Frozen.
std::shared_ptr<Network> model_of(const Table& more = {}) {
  Table settings{{"kind", "mobilenet_tokens"},
                 {"multiplier", 0.35},
                 {"width", 16},
                 {"layers", 2},
                 {"heads", 2},
                 {"frozen", true},
                 {"moe", Table{{"router", Table{{"kind", "top_any"}}},
                               {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 16}, {"count", 3}}}}}}};
  for (const auto& [key, value] : more.entries()) settings.set(key, value);
  DataShape shape;
  shape.channels = 3;
  shape.height = shape.width = 64;
  shape.num_classes = 5;
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

Batch batch_of() {
  Batch batch;
  batch.inputs = RandomStream("pictures").normal({1, 0}, {2, 3, 64, 64});
  batch.label_B = torch::tensor({1, 4}, torch::kInt64);
  return batch;
}

// 64 pixels become 2 x 2 places.
TEST(MobileNetTokens, ThePlacesOfTheFeatureMapAreTokens) {
  const auto model = model_of();
  EXPECT_EQ(model->tokens_per_example(), 4);
  EXPECT_EQ(model->token_grid().columns, 2);
  EXPECT_EQ(model->moe_layers().size(), 2U);
  EXPECT_EQ(model->moe_layers()[1]->layer_name(), "mixture.layers.1");
  EXPECT_EQ(model->forward(batch_of(), nullptr).logit_BY.sizes(), (std::vector<int64_t>{2, 5}));
  EXPECT_GT(even_cost(*model).routed.macs, 4 * 1280 * 16);
}

// Its tensors are called as those of "mobilenet_v2", so that training can start with them.
TEST(MobileNetTokens, TheConvolutionsAreThoseOfMobileNetV2) {
  DataShape shape;
  shape.channels = 3;
  shape.height = shape.width = 64;
  shape.num_classes = 5;
  const auto whole = networks().make(
      Member(Table{{"kind", "mobilenet_v2"}, {"multiplier", 0.35}, {"output", "features"}}), NetworkContext{shape, 1});
  const auto model = model_of();
  const auto ours = model->named_parameters();
  for (const auto& parameter : whole->named_parameters()) {
    ASSERT_TRUE(ours.contains(parameter.key())) << parameter.key();
    EXPECT_EQ(ours[parameter.key()].sizes(), parameter.value().sizes());
  }
}

TEST(MobileNetTokens, FrozenConvolutionsLearnNothingAndKeepTheirStatistics) {
  const auto model = model_of();
  model->train();
  const auto before = model->named_buffers()["stem.norm.running_mean"].clone();
  model->forward(batch_of(), nullptr).logit_BY.sum().backward();
  EXPECT_TRUE(torch::equal(model->named_buffers()["stem.norm.running_mean"], before));
  EXPECT_FALSE(model->named_parameters()["stem.weight"].grad().defined());
  EXPECT_TRUE(model->named_parameters()["project.weight"].grad().defined());
  const auto tuned = model_of({{"frozen", false}});
  tuned->train();
  tuned->forward(batch_of(), nullptr).logit_BY.sum().backward();
  EXPECT_FALSE(torch::equal(tuned->named_buffers()["stem.norm.running_mean"], before));
  EXPECT_TRUE(tuned->named_parameters()["stem.weight"].grad().defined());
}

// Two pictures are two in a group of sixteen: last digits may differ from those of a group of two.
TEST(MobileNetTokens, FeaturesThatAreKeptAreTheSame) {
  const auto plain = model_of(), kept = model_of({{"cache_mb", 1}});
  const auto batch = batch_of();
  const auto expected = plain->forward(batch, nullptr).logit_BY, first = kept->forward(batch, nullptr).logit_BY;
  EXPECT_LT((first - expected).abs().max().item<double>(), 1e-4);
  auto other = batch;
  other.inputs = batch.inputs.flip(0);
  EXPECT_TRUE(torch::equal(kept->forward(other, nullptr).logit_BY.flip(0), first));
  first.sum().backward();
  EXPECT_TRUE(kept->named_parameters()["project.weight"].grad().defined());
  {
    const torch::NoGradGuard no_grad;
    kept->named_parameters()["stem.weight"].mul_(2);
  }
  EXPECT_FALSE(torch::equal(kept->forward(batch, nullptr).logit_BY, first)) << "another stem has other features";
}

TEST(MobileNetTokens, RefusesText) {
  DataShape text;
  text.vocabulary = 5;
  EXPECT_EQ(fixtures::message_of<ConfigError>(
                [&] { networks().make(Member(Table{{"kind", "mobilenet_tokens"}}), NetworkContext{text, 1}); }),
            "[network.mobilenet_tokens] kind: expected data of images for \"mobilenet_tokens\", got text");
}

}  // namespace
}  // namespace heterodyne::mobilenet_tokens_test
