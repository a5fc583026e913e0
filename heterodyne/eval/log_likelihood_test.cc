#include "heterodyne/eval/log_likelihood.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/eval/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/model/compact.h"

namespace heterodyne::log_likelihood_test {
namespace {

using Ids = std::vector<int64_t>;

// Two symbols; after symbol 0 the other one is three times as probable, after symbol 1 both are equal.
class TwoSymbols : public Network {
 public:
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    longest = std::max(longest, batch.inputs.size(1));
    const auto table_VV = torch::tensor({{0.0F, std::log(3.0F)}, {0.0F, 0.0F}});
    NetworkOutput output;
    output.logit_BY = table_VV.index_select(0, batch.inputs.flatten()).view({1, -1, 2});
    return output;
  }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }

  int64_t longest = 0;  // inputs
};

// Behind 0 comes 1 (3/4), then 0 (1/2), then 0 (1/4).
TEST(LikelihoodOf, SumsWhatWasWorkedByHand) {
  TwoSymbols network;
  const auto likelihood = likelihood_of(network, {{0}, {1, 0, 0}}, 8);
  EXPECT_NEAR(likelihood.log_likelihood, std::log(0.75 * 0.5 * 0.25), 1e-6);
  EXPECT_FALSE(likelihood.is_greedy || likelihood.is_cut);
  EXPECT_EQ(network.longest, 3);
  EXPECT_TRUE(likelihood_of(network, {{0}, {1, 0}}, 8).is_greedy);
}

TEST(LikelihoodOf, LongTextsLoseTheirBeginning) {
  TwoSymbols network;
  const auto likelihood = likelihood_of(network, {{1, 1, 0}, {1, 0}}, 3);
  EXPECT_TRUE(likelihood.is_cut);
  EXPECT_EQ(network.longest, 3);
  EXPECT_NEAR(likelihood.log_likelihood, std::log(0.75 * 0.5), 1e-6);
  EXPECT_FALSE(likelihood_of(network, {{1, 0}, {1, 0}}, 3).is_cut);
  EXPECT_EQ(fixtures::message_of<Error>([&] { likelihood_of(network, {{0}, {1, 0}}, 1); }),
            "[likelihood] expected a continuation of at most 1 symbols, got 2");
}

// 0 1 0 0 0 behind 1: 1/2, 3/4, 1/2, 1/4, 1/4, whatever the windows.
TEST(RollingLogLikelihood, CoversTheTextOnce) {
  TwoSymbols network;
  for (const int64_t most : {1, 2, 3, 5, 9})
    EXPECT_NEAR(rolling_log_likelihood(network, {0, 1, 0, 0, 0}, 1, most), std::log(0.75 * 0.25 * 0.0625), 1e-6)
        << most;
  EXPECT_EQ(rolling_log_likelihood(network, {}, 1, 4), 0);
}

TEST(BestChoice, GoesBySumOrByLength) {
  // For each character -1, -0.9, -0.475; for each byte -1, -0.9, -0.2375.
  const auto best = best_choice({-2, -1.8, -1.9}, {"ab", "cd", "\u00e9\u00e9\u00e9\u00e9"});
  EXPECT_EQ(best.by_sum, 1U);
  EXPECT_EQ(best.by_characters, 2U);
  EXPECT_EQ(best.by_bytes, 2U);
  EXPECT_EQ(best_choice({-1, -1}, {"a", "b"}).by_sum, 0U);
}

// What lm-eval 0.4.13 computed of a small pretrained LLaMA; shared/data/golden_hf says how.
class GoldenLikelihood : public testing::Test {
 protected:
  void SetUp() override {
    const auto golden = fixtures::find_real_data("golden_hf/lm_eval_stories260K.json");
    const auto stories = fixtures::find_stories();
    if (!golden || !stories) GTEST_SKIP() << "skipped: no data";
    golden_ = io::parse_json_table(io::read_file(*golden), *golden);
    network_ = stories->network;
    tokenizer_ = stories->tokenizer;
  }

  Table golden_;
  std::shared_ptr<Network> network_;
  std::shared_ptr<Tokenizer> tokenizer_;
};

// Continuations: harness/run_task_test.cc.
TEST_F(GoldenLikelihood, PagesInWindows) {
  int64_t num_pages = 0;
  for (const Value& run : *golden_.find_path("rolling.runs")->if_array()) {
    const Table& table = *run.if_table();
    const Value* pages = table.find("pages");
    if (pages == nullptr || pages->if_array() == nullptr) continue;
    for (const Value& page : *pages->if_array()) {
      const Value* target = page.if_table()->find("detokenized_target");
      if (target == nullptr) continue;
      const auto ids = tokenizer_->framed(tokenizer_->encode(*target->if_text(), "page")).ids;
      const double sum = rolling_log_likelihood(*network_, ids, 1, *table.find("max_length")->if_integer());
      const double expected = *page.if_table()->find("loglikelihood")->if_real();
      EXPECT_NEAR(sum, expected, 1e-5 * std::abs(expected));
      ++num_pages;
    }
  }
  EXPECT_GT(num_pages, 0);
}

// Over all pages: bits per byte in proportion to those of float32, since the bytes are the same.
TEST_F(GoldenLikelihood, CompactWeightsCostLittle) {
  std::vector<std::vector<int64_t>> pages;
  for (const Value& run : *golden_.find_path("rolling.runs")->if_array()) {
    const Value* pages_of_run = run.if_table()->find("pages");
    if (pages_of_run == nullptr || pages_of_run->if_array() == nullptr) continue;
    for (const Value& page : *pages_of_run->if_array()) {
      const Value* target = page.if_table()->find("detokenized_target");
      if (target) pages.push_back(tokenizer_->framed(tokenizer_->encode(*target->if_text(), "page")).ids);
    }
  }
  ASSERT_FALSE(pages.empty());
  const auto bits = [&](Network& network) {
    double sum = 0;
    for (const auto& ids : pages) sum -= rolling_log_likelihood(network, ids, 1, 512);
    return sum;
  };
  const double plain = bits(*network_);
  for (const auto& [format, limit] :
       {std::pair(ops::Compact::kBf16, 0.005), {ops::Compact::kInt8, 0.02}, {ops::Compact::kInt8Columns, 0.02}}) {
    const auto compact = fixtures::find_stories();
    compact_weights(*compact->network, format);
    const double change = bits(*compact->network) / plain - 1;
    EXPECT_LT(std::abs(change), limit) << ops::name_of(format);
    RecordProperty(std::string(ops::name_of(format)), std::to_string(change));
  }
}

}  // namespace
}  // namespace heterodyne::log_likelihood_test
