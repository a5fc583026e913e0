#include "heterodyne/eval/generate.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::generate_test {
namespace {

std::shared_ptr<Network> model_of(const Table& router, const Array& experts, int64_t symbols = 12) {
  DataShape shape;
  shape.vocabulary = shape.num_classes = symbols;
  const Table moe{{"experts", experts}, {"router", router}};
  return networks().make(Member(Table{{"kind", "lstm_lm"}, {"width", 8}, {"moe", moe}}), NetworkContext{shape, 1});
}

// Probabilities .5, .3, .15, .05 at temperature 1.
torch::Tensor four() { return torch::tensor({0.3, 0.5, 0.05, 0.15}, torch::kFloat64).log(); }

std::vector<double> shares(const SamplingOptions& options, int64_t draws = 4000) {
  std::vector<double> share(4, 0);
  for (int64_t i = 0; i < draws; ++i)
    share[static_cast<size_t>(sample(four(), options, static_cast<uint64_t>(i)))] += 1.0 / static_cast<double>(draws);
  return share;
}

// 4,000 draws: a share's standard deviation is at most 0.008.
TEST(Sample, DrawsAsOftenAsTheProbabilitiesSay) {
  const auto share = shares({.temperature = 1, .seed = 3});
  for (const auto& [id, expected] : {std::pair<size_t, double>{0, 0.3}, {1, 0.5}, {2, 0.05}, {3, 0.15}})
    EXPECT_NEAR(share[id], expected, 0.03) << id;
}

TEST(Sample, TheBestOfKOnly) {
  const auto share = shares({.temperature = 1, .top_k = 2, .seed = 3});
  EXPECT_NEAR(share[1], 0.5 / 0.8, 0.03);
  EXPECT_EQ(share[2] + share[3], 0);
}

// .5 + .3 reaches .6; the third symbol is never drawn.
TEST(Sample, TheFewestWithAProbabilityTogether) {
  const auto share = shares({.temperature = 1, .top_p = 0.6, .seed = 3});
  EXPECT_NEAR(share[1], 0.5 / 0.8, 0.03);
  EXPECT_EQ(share[2] + share[3], 0);
}

// At temperature 1/2 probabilities are squared and divided by their sum .365.
TEST(Sample, TemperatureSharpens) {
  EXPECT_NEAR(shares({.temperature = 0.5, .seed = 3})[1], 0.25 / 0.365, 0.03);
  EXPECT_EQ(shares({.temperature = 0, .seed = 3}, 8)[1], 1);
}

TEST(Sample, IsAFunctionOfSeedAndPlace) {
  const SamplingOptions options{.temperature = 1, .seed = 3};
  for (uint64_t place = 0; place < 20; ++place)
    EXPECT_EQ(sample(four(), options, place), sample(four(), options, place));
  EXPECT_THROW(sample(torch::full({3}, NAN), options, 0), Error);
}

// Every causal router with its default settings: the logits of a text read token by token are those of the whole.
class CachedDecoding : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Routers, CachedDecoding, testing::ValuesIn(routers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(CachedDecoding, EqualsTheFullForward) {
  const auto traits = routers().find(GetParam()).traits;
  if (!traits.is_causal || traits.needs_labels) GTEST_SKIP() << "not for text";
  const auto model = model_of(Table{{"kind", GetParam()}}, {Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 6}}});
  const std::vector<int64_t> ids{3, 1, 4, 1, 5, 9, 2, 6};
  Generator text(*model), whole(*model);
  for (size_t i = 0; i < ids.size(); ++i) text.read({ids[i]});
  whole.read(ids);
  EXPECT_TRUE(torch::allclose(text.logits(), whole.logits(), 1e-5, 1e-5));
  EXPECT_EQ(text.num_read(), 8);
}

class CachedExperts : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, CachedExperts, testing::ValuesIn(experts().names()),
                         [](const auto& test) { return test.param; });

TEST_P(CachedExperts, EqualTheFullForward) {
  Table expert{{"kind", GetParam()}};
  expert.set("count", 3);
  std::shared_ptr<Network> model;
  try {
    model = model_of(Table{{"kind", "top_k"}, {"k", 2}}, {expert});
  } catch (const ConfigError& error) {
    GTEST_SKIP() << "refused in a language model: " << error.what();
  }
  const std::vector<int64_t> ids{3, 1, 4, 1, 5, 9, 2, 6};
  Generator text(*model), whole(*model);
  text.read({ids[0], ids[1], ids[2]});
  for (size_t i = 3; i < ids.size(); ++i) text.read({ids[i]});
  whole.read(ids);
  EXPECT_TRUE(torch::allclose(text.logits(), whole.logits(), 1e-5, 1e-5));
}

TEST(Generator, TellsWhichExpertsWorked) {
  const auto model = model_of(Table{{"kind", "round_robin"}, {"k", 1}}, {Table{{"kind", "mlp"}, {"count", 3}}});
  Generator text(*model);
  std::vector<int64_t> seen;
  const auto tell = [&](const GeneratedToken& token) { seen.push_back(token.experts.at(0).at(0)); };
  text.read({1, 2}, tell);
  text.read({3}, tell);
  text.read({3}, tell);
  EXPECT_EQ(seen, (std::vector<int64_t>{0, 1, 2, 0}));
  EXPECT_EQ(text.mean_k(), 1);
}

TEST(Generator, RoutesAsItIsTold) {
  const auto model = model_of(Table{{"kind", "top_k"}, {"k", 2}}, {Table{{"kind", "mlp"}, {"count", 5}}});
  for (const int64_t k : {1, 3, 5}) {
    Generator text(*model, RouteOverride{.k = k});
    text.read({1, 2, 3});
    EXPECT_EQ(text.mean_k(), static_cast<double>(k));
  }
  Generator none(*model, RouteOverride{.threshold = 1.0});
  none.read({1, 2, 3});
  EXPECT_EQ(none.mean_k(), 0);
  EXPECT_TRUE(torch::isfinite(none.logits()).all().item<bool>());
}

TEST(Generator, NeedsSomethingToBeginWith) {
  const auto model = model_of(Table{{"kind", "top_k"}}, {Table{{"kind", "mlp"}, {"count", 5}}});
  Generator text(*model);
  EXPECT_THROW(text.read({}), Error);
  EXPECT_THROW(text.next({}), Error);
}

}  // namespace
}  // namespace heterodyne::generate_test
