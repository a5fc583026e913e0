#include "heterodyne/eval/harness/windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::windows_test {
namespace {

// Three symbols; behind symbol s comes s + 1 (modulo 3) with odds of e to 1 to 1. Remembers the batches it saw.
class NextSymbol : public Network {
 public:
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    std::vector<int64_t> lengths;
    for (int64_t b = 0; b < batch.inputs.size(0); ++b)
      lengths.push_back(batch.mask_BS.defined() ? batch.mask_BS[b].sum().item<int64_t>() : batch.inputs.size(1));
    batches.push_back(lengths);
    NetworkOutput output;
    output.logit_BY = torch::one_hot(batch.inputs.add(1).remainder(3), 3).to(torch::kFloat32);
    return output;
  }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }
  bool is_causal() override { return causal; }

  bool causal = true;
  std::vector<std::vector<int64_t>> batches;  // of each, the lengths without padding
};

const double kGood = 1 - std::log(std::exp(1.0) + 2), kBad = -std::log(std::exp(1.0) + 2);

std::map<size_t, WindowScore> scores_of(NextSymbol& network, const std::vector<TextWindow>& windows, int64_t tokens) {
  std::map<size_t, WindowScore> scores;
  ScoringOptions options;
  options.tokens = tokens;
  options.on_score = [&](size_t place, const WindowScore& score) { scores[place] = score; };
  EXPECT_TRUE(score_windows(network, windows, options));
  return scores;
}

const std::vector<TextWindow> kFour = {{{0, 1}, {2}}, {{0, 1, 2, 0}, {0, 1}}, {{2}, {1}}, {{0, 1}, {0}}};

TEST(ScoreWindows, GiveWhatWasWorkedByHand) {
  NextSymbol network;
  const auto scores = scores_of(network, kFour, 100);
  ASSERT_EQ(scores.size(), 4U);
  EXPECT_NEAR(scores.at(0).log_likelihood, kGood, 1e-6);
  EXPECT_NEAR(scores.at(1).log_likelihood, 2 * kGood, 1e-6) << "behind 2 comes 0, behind 0 comes 1";
  EXPECT_NEAR(scores.at(2).log_likelihood, kBad, 1e-6);
  EXPECT_NEAR(scores.at(3).log_likelihood, kBad, 1e-6);
  EXPECT_TRUE(scores.at(0).is_greedy && scores.at(1).is_greedy);
  EXPECT_FALSE(scores.at(2).is_greedy || scores.at(3).is_greedy);
}

TEST(ScoreWindows, RunEqualInputsOnceAndPadShorterOnes) {
  NextSymbol network;
  scores_of(network, kFour, 100);
  EXPECT_EQ(network.batches, (std::vector<std::vector<int64_t>>{{4, 2, 1}}));
}

TEST(ScoreWindows, ABatchHoldsSoManyTokensAtMost) {
  NextSymbol network;
  const auto scores = scores_of(network, kFour, 4);
  EXPECT_EQ(network.batches, (std::vector<std::vector<int64_t>>{{4}, {2, 1}}));
  EXPECT_EQ(scores, scores_of(network, kFour, 1)) << "a window longer than a batch is a batch";
}

TEST(ScoreWindows, ANetworkThatSeesTheFutureGetsNoPadding) {
  NextSymbol network;
  network.causal = false;
  scores_of(network, {{{0, 1}, {2}}, {{1, 1}, {2}}, {{2}, {1}}}, 100);
  EXPECT_EQ(network.batches, (std::vector<std::vector<int64_t>>{{2, 2}, {1}}));
}

TEST(ScoreWindows, CanBeStoppedAfterABatch) {
  NextSymbol network;
  size_t num_scored = 0;
  ScoringOptions options{4, [&](size_t, const WindowScore&) { ++num_scored; }, [](size_t done) { return done > 1; }};
  EXPECT_FALSE(score_windows(network, kFour, options));
  EXPECT_EQ(num_scored, 1U);
  EXPECT_TRUE(score_windows(network, {}, options));
}

TEST(ScoreWindows, RefuseMoreWantedThanThereIs) {
  NextSymbol network;
  EXPECT_EQ(fixtures::message_of<Error>([&] { score_window(network, {{0}, {1, 2}}); }),
            "[windows] wanted: expected 1 .. 1 symbols, got 2");
  EXPECT_EQ(fixtures::message_of<Error>([&] { score_window(network, {{0}, {}}); }),
            "[windows] wanted: expected 1 .. 1 symbols, got 0");
}

}  // namespace
}  // namespace heterodyne::windows_test
