#include "cli/text/task_report.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::cli::task_report_test {
namespace {

// A question with two choices of one letter, the first of which is right; `is_right` says which one the model prefers.
ScoredItem answered(int64_t row, bool is_right) {
  ScoredItem scored;
  scored.item.row = row;
  scored.item.choices = {"a", "b"};
  scored.likelihoods = {{is_right ? -1.0 : -3.0}, {-2.0}};
  return scored;
}

TaskOutcome outcome(const std::string& task, const std::vector<bool>& rights, int64_t first_row = 0) {
  TaskOutcome outcome{task, {}};
  for (size_t i = 0; i < rights.size(); ++i)
    outcome.result.items.push_back(answered(first_row + static_cast<int64_t>(i), rights[i]));
  outcome.result.metrics = {{"acc", 0.5, 0.25}, {"acc_norm", 0.75, {}}};
  return outcome;
}

TEST(OutcomeRows, ShowEveryMeasureAndTheMeanOfTasks) {
  const auto rows = outcome_rows({outcome("one", {true, false}), outcome("two", {true})});
  ASSERT_EQ(rows.rows.size(), 5U);
  EXPECT_EQ(rows.rows[0], (std::vector<Value>{"one", 2, "acc", 0.5, 0.25}));
  EXPECT_EQ(rows.rows[1], (std::vector<Value>{"one", 2, "acc_norm", 0.75, Value()}));
  EXPECT_EQ(rows.rows[4], (std::vector<Value>{"mean", Value(), "", 0.5, Value()}));
  EXPECT_EQ(outcome_rows({outcome("one", {true})}).rows.size(), 2U) << "of one task there is no mean";
}

// Rows 1, 2, 3 are in both: differences 0, 1, 1. Student's interval with two degrees of freedom: 2/3 +- 4.303 / 3.
TEST(DifferenceRows, PairQuestionsByTheirRows) {
  const auto rows = difference_rows({outcome("one", {true, false, true, true})},
                                    {outcome("one", {false, false, false, true}, 1)}, "a", "b");
  ASSERT_EQ(rows.rows.size(), 1U);
  const auto& row = rows.rows[0];
  EXPECT_EQ(rows.columns[3], "a");
  EXPECT_EQ(row[2], Value(3));
  EXPECT_NEAR(*row[5].if_real(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(*row[6].if_real(), 2.0 / 3 - 4.303 / 3, 1e-3);
  EXPECT_EQ(row[8], Value("no"));
}

}  // namespace
}  // namespace heterodyne::cli::task_report_test
