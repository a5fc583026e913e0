#include "heterodyne/eval/top_tokens.h"

#include <gtest/gtest.h>

namespace heterodyne::top_tokens_test {
namespace {

// Sequences of symbols, each token sent to the experts of its symbol.
Routing routed(const torch::Tensor& symbol_BS, const std::vector<std::vector<int64_t>>& experts_of_symbol,
               int64_t num_experts) {
  const auto symbols = symbol_BS.reshape(-1);
  std::vector<int64_t> token, expert;
  for (int64_t e = 0; e < num_experts; ++e) {
    for (int64_t t = 0; t < symbols.numel(); ++t) {
      const auto& chosen = experts_of_symbol[static_cast<size_t>(symbols[t].item<int64_t>())];
      if (std::find(chosen.begin(), chosen.end(), e) == chosen.end()) continue;
      token.push_back(t);
      expert.push_back(e);
    }
  }
  Routing routing;
  routing.plan.token_N = torch::tensor(token, torch::kInt64);
  routing.plan.expert_N = torch::tensor(expert, torch::kInt64);
  return routing;
}

Batch batch_of(const torch::Tensor& symbol_BS) {
  Batch batch;
  batch.inputs = symbol_BS;
  return batch;
}

// 60 x "ab ab ab ..." in two sequences: a and the space always to expert 0, b to both.
TEST(TokenCounter, SaysWhichSymbolsAnExpertGets) {
  const auto symbols = torch::tensor({0, 1, 2}, torch::kInt64).repeat({2, 30});
  TokenCounter counter({"a", "b", " "}, 2);
  counter.add(batch_of(symbols), routed(symbols, {{0}, {0, 1}, {0}}, 2));
  const auto top = counter.top();
  ASSERT_EQ(top.size(), 2U);
  ASSERT_EQ(top[0].size(), 3U);
  EXPECT_EQ(top[0][0].symbol, "a");
  EXPECT_EQ(top[0][2].symbol, "space");
  ASSERT_EQ(top[1].size(), 1U);
  EXPECT_EQ(top[1][0].symbol, "b");
  EXPECT_EQ(top[1][0].count, 60);
  EXPECT_EQ(top[1][0].tokens, 60);
  EXPECT_EQ(top[1][0].before, "a");
  EXPECT_EQ(top[1][0].shown, "b");
  EXPECT_EQ(top[1][0].after, " ab ab a");
}

// x goes to expert 0 in 50 of 100 places, y in 40 of 50; z stands 49 times, too few to say.
TEST(TokenCounter, SortsByTheShareOfTheSymbolAndLeavesOutWhatIsRare) {
  const auto x = torch::full({1, 50}, 0, torch::kInt64), y = torch::full({1, 40}, 1, torch::kInt64);
  TokenCounter counter({"x", "y", "z"}, 2);
  counter.add(batch_of(x), routed(x, {{0}, {0}, {0}}, 2));
  counter.add(batch_of(x), routed(x, {{1}, {1}, {1}}, 2));
  counter.add(batch_of(y), routed(y, {{0}, {0}, {0}}, 2));
  const auto rest = torch::full({1, 10}, 1, torch::kInt64), z = torch::full({1, 49}, 2, torch::kInt64);
  counter.add(batch_of(rest), routed(rest, {{1}, {1}, {1}}, 2));
  counter.add(batch_of(z), routed(z, {{0}, {0}, {0}}, 2));
  const auto top = counter.top();
  ASSERT_EQ(top[0].size(), 2U);
  EXPECT_EQ(top[0][0].symbol, "y");
  EXPECT_EQ(top[0][0].count, 40);
  EXPECT_EQ(top[0][1].symbol, "x");
  EXPECT_EQ(top[0][1].tokens, 100);
}

TEST(TokenCounter, PaddingIsNotCounted) {
  const auto symbols = torch::full({1, 60}, 0, torch::kInt64);
  auto routing = routed(symbols.narrow(1, 0, 55), {{0}}, 1);
  routing.mask_T = torch::arange(60) < 55;
  TokenCounter counter({"a"}, 1);
  counter.add(batch_of(symbols), routing);
  EXPECT_EQ(counter.top()[0][0].tokens, 55);
}

TEST(TokenCounter, WordsStandApartAndLineEndsAreSeen) {
  const auto symbols = torch::tensor({0, 1, 2}, torch::kInt64).repeat({1, 50});
  TokenCounter counter({"the", "<eos>", "\x1b[2J"}, 1);
  counter.add(batch_of(symbols), routed(symbols, {{0}, {0}, {0}}, 1));
  const auto top = counter.top();
  EXPECT_EQ(top[0][1].shown, "↵");
  EXPECT_EQ(top[0][1].before, "the");
  EXPECT_EQ(top[0][2].symbol, "\\x1b[2J");
  EXPECT_TRUE(top[0][2].after.starts_with("the ↵ \\x1b[2J the")) << top[0][2].after;
}

// Twenty symbols, symbol i as often as 20 - i: two in each part. The frequent half goes to expert 0.
TEST(TokenCounter, PartsOfTheVocabularyByFrequency) {
  std::vector<int64_t> ids;
  std::vector<std::vector<int64_t>> experts;
  Vocabulary vocabulary;
  for (int64_t i = 0; i < 20; ++i) {
    ids.insert(ids.end(), static_cast<size_t>(20 - i), i);
    experts.push_back({i < 10 ? 0 : 1});
    vocabulary.push_back(std::string(1, static_cast<char>('a' + i)));
  }
  const auto symbols = torch::tensor(ids, torch::kInt64).unsqueeze(0);
  TokenCounter counter(vocabulary, 2);
  counter.add(batch_of(symbols), routed(symbols, experts, 2));
  const auto deciles = counter.frequency_deciles();
  EXPECT_EQ(deciles.labels.front(), "1 (most frequent)");
  EXPECT_EQ(deciles.labels.back(), "10 (rarest)");
  EXPECT_EQ(deciles.token_G, (std::vector<int64_t>{39, 35, 31, 27, 23, 19, 15, 11, 7, 3}));
  EXPECT_EQ(deciles.count_EG, (std::vector<int64_t>{39, 35, 31, 27, 23, 0,  0,  0,  0, 0,  //
                                                    0,  0,  0,  0,  0,  19, 15, 11, 7, 3}));
  EXPECT_TRUE(TokenCounter({"a", "b"}, 1).frequency_deciles().labels.empty());
}

}  // namespace
}  // namespace heterodyne::top_tokens_test
