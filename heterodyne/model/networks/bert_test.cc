#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::bert_test {
namespace {

std::shared_ptr<Network> model_of(const Table& more = {}) {
  Table settings{{"kind", "bert"},
                 {"width", 8},
                 {"layers", 2},
                 {"heads", 2},
                 {"context", 6},
                 {"classes", 3},
                 {"dense", Table{{"kind", "mlp"}, {"hidden", 12}}}};
  for (const auto& [key, value] : more.entries()) settings.set(key, value);
  if (more.contains("output")) settings.erase("classes");
  DataShape shape;
  shape.vocabulary = shape.num_classes = 11;
  shape.length = 5;
  auto model = networks().make(Member(settings), NetworkContext{shape, 1});
  model->eval();
  return model;
}

torch::Tensor answer(Network& model, const torch::Tensor& inputs, const torch::Tensor& mask_BS = {}) {
  Batch batch;
  batch.inputs = inputs;
  batch.mask_BS = mask_BS;
  return model.forward(batch, nullptr).logit_BY;
}

// Embeddings of 11, 6 and 2 rows of 8 and a norm of 16; in each layer 4 x (64 + 8) of attention, two norms, 8 x 12 and
// back with biases; the pooler 72, the head 3 x 8 + 3.
TEST(Bert, HasTheSizeWorkedByHand) {
  const int64_t layer = 4 * 72 + 2 * 16 + 2 * 96 + 12 + 8;
  EXPECT_EQ(num_params(*model_of()), 19 * 8 + 16 + 2 * layer + 72 + 27);
  const Table expert{{"kind", "mlp"}, {"hidden", 4}, {"count", 3}};
  const auto mixed = model_of({{"moe", Table{{"experts", Array{expert}}, {"layers", Array{1}}}}});
  EXPECT_EQ(num_params(*mixed), num_params(*model_of()) - 212 + 3 * (64 + 12) + 24);
  EXPECT_EQ(mixed->moe_layers().at(0)->layer_name(), "layers.1");
}

// Of each token: 256 of the projections, 2 x 8 for each of 5 keys, 192 of the feed-forward part.
TEST(Bert, CostsWhatWasWorkedByHand) {
  EXPECT_EQ(even_cost(*model_of()).routed.macs, 2 * 5 * (256 + 16 * 5 + 192));
  EXPECT_EQ(model_of()->tokens_per_example(), 5);
}

TEST(Bert, EveryTokenSeesAllThatAreNotPadding) {
  const auto model = model_of({{"output", "tokens"}});
  const auto ids = torch::arange(10).view({2, 5});
  auto other = ids.clone();
  other[0][4] = 10;
  EXPECT_GT((answer(*model, ids) - answer(*model, other))[0][0].abs().max().item<double>(), 1e-4);
  auto mask_BS = torch::ones({2, 5}, torch::kBool);
  mask_BS[0][4] = false;
  const auto a = answer(*model, ids, mask_BS), b = answer(*model, other, mask_BS);
  EXPECT_TRUE(torch::allclose(a.narrow(1, 0, 4), b.narrow(1, 0, 4), 1e-5, 1e-6));
}

TEST(Bert, TokensHaveTypes) {
  const auto model = model_of();
  const auto ids = torch::arange(10).view({2, 5});
  const auto typed = [&](int64_t type) { return torch::stack({ids, torch::full_like(ids, type)}, 2); };
  EXPECT_TRUE(torch::equal(answer(*model, typed(0)), answer(*model, ids)));
  EXPECT_FALSE(torch::equal(answer(*model, typed(1)), answer(*model, ids)));
  EXPECT_EQ(answer(*model, ids).sizes(), (std::vector<int64_t>{2, 3}));
}

TEST(Bert, TheMeanIsOfTokensThatCountAndHasLengthOne) {
  const auto tokens = model_of({{"output", "tokens"}}), mean = model_of({{"output", "mean"}});
  const auto ids = torch::arange(5).view({1, 5});
  auto mask_BS = torch::ones({1, 5}, torch::kBool);
  mask_BS[0][3] = false, mask_BS[0][4] = false;
  const auto expected = answer(*tokens, ids, mask_BS)[0].narrow(0, 0, 3).mean(0);
  const auto got = answer(*mean, ids, mask_BS)[0];
  EXPECT_NEAR(got.square().sum().item<double>(), 1, 1e-5);
  EXPECT_TRUE(torch::allclose(got * expected.square().sum().sqrt(), expected, 1e-4, 1e-5));
}

TEST(Bert, RefusesWhatDoesNotFit) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { model_of({{"heads", 3}}); }),
            "[network.bert] heads: expected a divisor of width = 8, got 3");
  EXPECT_EQ(fixtures::message_of<ShapeError>([] { answer(*model_of(), torch::zeros({1, 7}, torch::kInt64)); }),
            "[model.bert] inputs: expected at most context = 6 tokens of a text, got 7");
  EXPECT_THROW(answer(*model_of(), torch::zeros({1, 5, 3}, torch::kInt64)), ShapeError);
}

}  // namespace
}  // namespace heterodyne::bert_test
