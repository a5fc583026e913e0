#include "heterodyne/eval/clustering/text_vectors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/eval/clustering/clusters.h"

namespace heterodyne::text_vectors_test {
namespace {

const std::vector<std::string> kTexts = {
    "Boil rice, then salt.", "Salt the boiling rice!",  "rice with salt and pepper",
    "goals decide a match",  "the MATCH had two goals", "A match, a goal: goals, goals.",
};

TEST(Words, AreSmallLettersAndDigitsOfTwoCharactersAtLeast) {
  EXPECT_EQ(words_of("Ärger 42-mal, a I'm — ok_ok"), (std::vector<std::string>{"ärger", "42", "mal", "ok_ok"}));
  EXPECT_TRUE(words_of(" \n").empty());
}

// In three of six texts each: rice, salt, match, goals. In two: the. In all others one. ln(7 / 4) = 0.5596,
// ln(7 / 3) = 0.8473.
TEST(WeightedWords, HaveTheWorkedWeights) {
  const auto found = weighted_words(kTexts);
  EXPECT_EQ(found.words, (std::vector<std::string>{"goals", "match", "rice", "salt", "the"}));
  ASSERT_EQ(found.entry_N[1].size(), 3u);  // rice, salt, the
  const double common = 1 + std::log(7.0 / 4), rare = 1 + std::log(7.0 / 3);
  const double length = std::sqrt(2 * common * common + rare * rare);
  EXPECT_NEAR(found.entry_N[1][0].weight, common / length, 1e-12);
  EXPECT_NEAR(found.entry_N[1][2].weight, rare / length, 1e-12);
  const double twice = (1 + std::log(2.0)) * common, goals = twice / std::sqrt(twice * twice + common * common);
  EXPECT_NEAR(found.entry_N[5][0].weight, goals, 1e-12);
}

// With as many directions as words nothing is lost: cosines of rows are those of the weights.
TEST(WordVectors, KeepTheCosinesOfTheWeights) {
  const auto words = weighted_words(kTexts);
  const auto row_ND = word_vectors(words, 5, 1);
  ASSERT_EQ(row_ND.sizes(), (std::vector<int64_t>{6, 5}));
  for (size_t a = 0; a < kTexts.size(); ++a) {
    for (size_t b = 0; b < kTexts.size(); ++b) {
      double expected = 0;
      for (const auto& one : words.entry_N[a]) {
        for (const auto& other : words.entry_N[b]) expected += one.word == other.word ? one.weight * other.weight : 0;
      }
      const auto cosine = row_ND[static_cast<int64_t>(a)].dot(row_ND[static_cast<int64_t>(b)]);
      EXPECT_NEAR(cosine.item<double>(), expected, 1e-9) << a << " and " << b;
    }
  }
}

TEST(WordVectors, PutTextsAboutOneThingTogether) {
  const auto words = weighted_words(kTexts);
  const auto found = k_means(word_vectors(words, 2, 1), 2, 1);
  EXPECT_TRUE(torch::equal(found.cluster_N, torch::tensor({0, 0, 0, 1, 1, 1}, torch::kInt64)));
  const auto typical = typical_words(words, found.cluster_N, 2);
  EXPECT_EQ(typical[0], (std::vector<std::string>{"rice", "salt"}));
  EXPECT_EQ(typical[1], (std::vector<std::string>{"goals", "match"}));
}

TEST(WordVectors, NeedWords) {
  EXPECT_NE(
      fixtures::message_of<Error>([] { word_vectors(weighted_words({"a", "b c"}), 2, 1); }).find("expected words"),
      std::string::npos);
}

// Symbols 0 .. 25 are the letters; the features of a token are its number and 1.
class Letters : public Tokenizer {
 public:
  std::vector<int64_t> encode(std::string_view text, const std::string&) const override {
    std::vector<int64_t> ids;
    for (const char c : text) ids.push_back(c - 'a');
    return ids;
  }
  std::string piece(int64_t id, int64_t) const override { return std::string(1, static_cast<char>('a' + id)); }
};

class NumberAndOne : public Network {
 public:
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    NetworkOutput output;
    const auto number_BS = batch.inputs.to(torch::kFloat32);
    output.logit_BY = torch::stack({number_BS, torch::ones_like(number_BS)}, 2);
    return output;
  }
  std::vector<MoeLayer*> moe_layers() override { return {}; }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }
};

// "bd" has the numbers 1 and 3, so the mean (2, 1); "e" (4, 1); of "dddz" only three are read: (3, 1).
TEST(EncoderVectors, AreMeansOfLengthOneWithoutPadding) {
  NumberAndOne network;
  const auto row_ND = encoder_vectors(network, Letters(), 3, {"bd", "e", "dddz"});
  const auto expected = torch::tensor({{2., 1.}, {4., 1.}, {3., 1.}}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(row_ND, expected / expected.norm(2, 1, true), 1e-12, 1e-12));
}

}  // namespace
}  // namespace heterodyne::text_vectors_test
