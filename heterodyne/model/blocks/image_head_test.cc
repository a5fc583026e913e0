#include "heterodyne/model/blocks/image_head.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::image_head_test {
namespace {

ImageHeadOptions options_of(Table settings) { return read_options<ImageHeadOptions>(settings, {"model", "model"}); }

const Table kMoe{{"router", Table{{"kind", "top_k"}, {"k", 1}}},
                 {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 2}}}}};

struct Built {
  torch::nn::Module network;
  ImageHead head;
  explicit Built(Table settings) : head(options_of(std::move(settings)), {3, 2, 2, 5}, network, Init{1, ""}) {}
};

TEST(ImageHead, WithoutAMixtureIsTheMeanAndALinearLayer) {
  Built built({});
  EXPECT_EQ(built.head.moe_layer(), nullptr);
  const auto map = fixtures::normal("map", {4, 3, 2, 2});
  auto parameters = built.network.named_parameters();
  const auto expected = torch::matmul(map.mean({2, 3}), parameters["head.weight"].t()) + parameters["head.bias"];
  EXPECT_TRUE(torch::allclose(built.head.forward(map, {map, {}, {}, {}, {}}, nullptr).logit_BY, expected, 1e-5, 1e-6));
  CostPair cost;
  built.head.add_macs({}, cost);
  EXPECT_EQ(cost.routed.macs, 15);
}

TEST(ImageHead, AtTheHeadExpertsAnswerWithLogits) {
  Built built({{"moe", kMoe}, {"feature_width", 7}});
  auto parameters = built.network.named_parameters();
  EXPECT_EQ(parameters["feature.weight"].sizes(), (std::vector<int64_t>{7, 3}));
  EXPECT_FALSE(parameters.contains("head.weight"));
  EXPECT_EQ(built.head.num_tokens(), 1);
  const auto map = torch::zeros({2, 3, 2, 2});
  EXPECT_EQ(built.head.forward(map, {map, {}, {}, {}, {}}, nullptr).logit_BY.size(1), 5);
}

TEST(ImageHead, OnTheMapTheAnswerIsAddedAtEveryPlace) {
  Built built({{"moe", kMoe}, {"moe_place", "map"}});
  EXPECT_EQ(built.head.num_tokens(), 4);
  auto parameters = built.network.named_parameters();
  EXPECT_EQ(parameters["head.weight"].sizes(), (std::vector<int64_t>{5, 3}));
  const auto map = torch::zeros({2, 3, 2, 2});
  EXPECT_EQ(built.head.forward(map, {map, {}, {}, {}, {}}, nullptr).sums.size(), 1U);
}

TEST(ImageHead, APlaceWithoutAMixtureIsRefused) { EXPECT_THROW(options_of({{"moe_place", "map"}}), ConfigError); }

}  // namespace
}  // namespace heterodyne::image_head_test
