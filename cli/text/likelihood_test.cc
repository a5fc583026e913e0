#include "cli/text/likelihood.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::cli::likelihood_test {
namespace {

// Bytes a and b; whatever came before, b is three times as probable as a.
class Coin : public Network {
 public:
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    NetworkOutput output;
    output.logit_BY = torch::tensor({0.0F, std::log(3.0F), -1e9F, -1e9F}).expand({1, batch.inputs.size(1), 4});
    return output;
  }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }
};

class LikelihoodRows : public testing::Test {
 protected:
  LikelihoodRows() {
    Experiment experiment = read_experiment({{"name", "x"},
                                             {"data", Table{{"kind", "text_lm"}, {"path", "a"}, {"length", 8}}},
                                             {"model", Table{{"kind", "lstm_lm"}}}});
    experiment.vocabulary = {"a", "b", " ", "\n"};
    tokenizer_ = tokenizer_of(experiment);
    most_ = longest_text(experiment);
  }
  Reader reader() { return {network_, *tokenizer_, most_}; }
  std::string refusal(const std::string& lines) {
    return fixtures::message_of<FormatError>([&] { question_rows(reader(), lines, "q.jsonl"); });
  }

  Coin network_;
  std::shared_ptr<Tokenizer> tokenizer_;
  int64_t most_ = 0;
};

// Of aabb the first byte is not scored: 1/4, 3/4, 3/4.
TEST_F(LikelihoodRows, OfATextWorkedByHand) {
  EXPECT_EQ(most_, 8);
  const auto rows = text_rows(reader(), "aabb", "text");
  const double sum = std::log(0.25 * 0.75 * 0.75);
  EXPECT_EQ(rows.rows[0][0], Value("bits_per_byte"));
  EXPECT_NEAR(*rows.rows[0][1].if_real(), -sum / 4 / std::log(2.0), 1e-6);
  EXPECT_NEAR(*rows.rows[2][1].if_real(), std::exp(-sum), 1e-3);
  EXPECT_EQ(rows.rows[5][1], Value(4));
  EXPECT_EQ(rows.rows[6][1], Value(1));
  EXPECT_EQ(rows.rows[7][1], Value(3));
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { text_rows(reader(), "a", "text"); }),
            "[text] expected a text of at least two symbols, got less");
}

// The space counts alike for both choices; b beats a, which is right once of two times.
TEST_F(LikelihoodRows, OfQuestionsWorkedByHand) {
  const auto rows = question_rows(reader(),
                                  "{\"context\": \"a\", \"choices\": [\"a\", \"b\"], \"gold\": 1}\n\n"
                                  "{\"context\": \"b\", \"choices\": [\"a\", \"b\"], \"gold\": 0}\n",
                                  "q.jsonl");
  EXPECT_EQ(rows.rows[0][0], Value("acc"));
  EXPECT_NEAR(*rows.rows[0][1].if_real(), 0.5, 1e-12);
  EXPECT_NEAR(*rows.rows[0][2].if_real(), 0.5, 1e-12);  // sqrt(1/4 / (2 - 1))
  EXPECT_EQ(rows.rows[3][1], Value(2));
}

TEST_F(LikelihoodRows, TheLineAtFaultIsNamed) {
  EXPECT_EQ(refusal("\n"), "[q.jsonl] expected questions, got none");
  EXPECT_EQ(refusal("{\"context\": \"a\", \"choices\": [\"b\"], \"gold\": 1}"),
            "q.jsonl: line 1: gold: expected the place of one of 1 choices, got 1");
  EXPECT_EQ(refusal("{\"context\": \"a\", \"choices\": [5], \"gold\": 0}"),
            "q.jsonl: line 1: choices: expected texts, got 5");
  EXPECT_EQ(refusal("{\"context\": \"a\", \"choices\": [\"b\"], \"gold\": 0}\n{").substr(0, 16), "q.jsonl: line 2:");
}

}  // namespace
}  // namespace heterodyne::cli::likelihood_test
