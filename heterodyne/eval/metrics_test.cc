#include "heterodyne/eval/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::metrics_test {
namespace {

const auto kLogits = torch::tensor({{2.0, 0.0}, {0.0, 1.0}, {3.0, 1.0}});
const auto kLabels = torch::tensor({0, 1, 1}, torch::kInt64);

TEST(Metrics, CrossEntropyWorkedByHand) {
  const double expected = (std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-1.0)) + std::log1p(std::exp(2.0))) / 3;
  EXPECT_NEAR(cross_entropy(kLogits, kLabels).item<double>(), expected, 1e-6);
  EXPECT_EQ(num_correct(kLogits, kLabels), 2);
}

TEST(Metrics, TheFirstOfEqualLogitsIsTheAnswer) {
  EXPECT_EQ(num_correct(torch::zeros({2, 3}), torch::tensor({0, 1}, torch::kInt64)), 1);
}

// A share of a class counts for as much of the loss that its label would have.
TEST(Metrics, LabelsMayBeShares) {
  const auto shares = torch::tensor({{0.25, 0.75}, {1.0, 0.0}, {0.0, 1.0}});
  const double first = 0.25 * std::log1p(std::exp(-2.0)) + 0.75 * std::log1p(std::exp(2.0));
  const double expected = (first + std::log1p(std::exp(1.0)) + std::log1p(std::exp(2.0))) / 3;
  EXPECT_NEAR(cross_entropy(kLogits, shares).item<double>(), expected, 1e-6);
  EXPECT_EQ(num_correct(kLogits, shares), 0);
  EXPECT_TRUE(torch::equal(hard_labels(shares), torch::tensor({1, 0, 1})));
  EXPECT_TRUE(torch::equal(hard_labels(kLabels), kLabels));
}

TEST(Metrics, BatchesAddUpToTheWhole) {
  ClassificationMetrics whole, parts;
  whole.add(kLogits, kLabels);
  parts.add(kLogits.narrow(0, 0, 1), kLabels.narrow(0, 0, 1));
  parts.add(kLogits.narrow(0, 1, 2), kLabels.narrow(0, 1, 2));
  EXPECT_EQ(parts.num_examples(), 3);
  EXPECT_NEAR(parts.accuracy(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(parts.loss(), whole.loss(), 1e-6);
  EXPECT_EQ(parts.accuracy_by_class(), (std::vector<double>{1.0, 0.5}));
}

// Labels 0 0 1 1 1 2, answers 0 1 1 1 0 1; class 3 does not occur.
TEST(Metrics, AccuracyBySortWorkedByHand) {
  ClassificationMetrics metrics;
  metrics.add(torch::eye(4).index_select(0, torch::tensor({0, 1, 1, 1, 0, 1})), torch::tensor({0, 0, 1, 1, 1, 2}));
  const auto all = accuracy_by_type(metrics, {"shape", "colour", "shape", "yes/no"});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].type, "shape");
  EXPECT_EQ(all[0].num_examples, 3);
  EXPECT_DOUBLE_EQ(all[0].accuracy, 1.0 / 3);
  EXPECT_DOUBLE_EQ(all[1].accuracy, 2.0 / 3);
  EXPECT_TRUE(accuracy_by_type(metrics, {}).empty());
}

// Labels 0 0 1 1 1 2, answers 0 1 1 1 0 1. Class 0: precision 1/2, recall 1/2. Class 1: 2/4 and 2/3, F1 4/7. Class 2 is
// never answered.
TEST(Metrics, PrecisionRecallAndF1WorkedByHand) {
  ClassificationMetrics metrics;
  metrics.add(torch::eye(3).index_select(0, torch::tensor({0, 1, 1, 1, 0, 1})), torch::tensor({0, 0, 1, 1, 1, 2}));
  const auto reports = metrics.report_by_class();
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_DOUBLE_EQ(reports[0].precision, 0.5);
  EXPECT_DOUBLE_EQ(reports[0].recall, 0.5);
  EXPECT_DOUBLE_EQ(reports[1].precision, 0.5);
  EXPECT_DOUBLE_EQ(reports[1].recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(reports[1].f1, 4.0 / 7);
  EXPECT_EQ(reports[2].f1, 0);
  EXPECT_EQ(reports[1].support, 3);
  const auto mean = metrics.weighted_report();
  EXPECT_DOUBLE_EQ(mean.precision, (2 * 0.5 + 3 * 0.5) / 6);
  EXPECT_DOUBLE_EQ(mean.recall, metrics.accuracy()) << "weighted by examples, recall is accuracy";
  EXPECT_DOUBLE_EQ(mean.f1, (2 * 0.5 + 3 * 4.0 / 7) / 6);
  EXPECT_EQ(ClassificationMetrics().weighted_report().support, 0);
}

TEST(Metrics, LossesOfTheClassesWorkedByHand) {
  ClassificationMetrics metrics;
  metrics.add(kLogits, kLabels);
  const auto loss_Y = metrics.loss_by_class();
  EXPECT_NEAR(loss_Y[0], std::log1p(std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(loss_Y[1], (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(2.0))) / 2, 1e-6);
  metrics.add(torch::tensor({{2.0, 0.0}}), torch::tensor({1}, torch::kInt64));
  EXPECT_NEAR(metrics.loss_by_class()[1], (std::log1p(std::exp(-1.0)) + 2 * std::log1p(std::exp(2.0))) / 3, 1e-6);
}

TEST(Metrics, NothingIsZeroAndAClassWithoutExamplesIsNoNumber) {
  EXPECT_EQ(ClassificationMetrics().accuracy(), 0);
  EXPECT_EQ(ClassificationMetrics().loss(), 0);
  ClassificationMetrics metrics;
  metrics.add(kLogits.narrow(0, 0, 0), kLabels.narrow(0, 0, 0));
  EXPECT_EQ(metrics.num_examples(), 0);
  metrics.add(kLogits.narrow(0, 0, 1), kLabels.narrow(0, 0, 1));
  EXPECT_TRUE(std::isnan(metrics.accuracy_by_class()[1]));
  EXPECT_TRUE(std::isnan(metrics.loss_by_class()[1]));
}

// Of three rows the second has a negative label: ln 2 for each of the others, of which the first is right.
TEST(CrossEntropy, RowsWithANegativeLabelDoNotCount) {
  const auto logits = torch::tensor({{1.0F, 1.0F}, {5.0F, -5.0F}, {0.0F, 0.0F}}).view({1, 3, 2}).requires_grad_();
  const auto labels = torch::tensor({{0, -100, 1}});
  const auto loss = cross_entropy(logits, labels);
  EXPECT_NEAR(loss.item<double>(), std::log(2.0), 1e-6);
  loss.backward();
  EXPECT_EQ(logits.grad()[0][1].abs().max().item<float>(), 0);
  EXPECT_EQ(num_correct(logits, labels), 1);
  ClassificationMetrics metrics;
  metrics.add(logits, labels);
  EXPECT_EQ(metrics.num_examples(), 2);
  EXPECT_EQ(metrics.accuracy(), 0.5);
  EXPECT_NEAR(metrics.loss(), std::log(2.0), 1e-6);
}

// Answers and labels of two classes: true positives 3, false ones 1, false negatives 2, true ones 4. F1 = 6 / 9;
// Matthews = (3 x 4 - 1 x 2) / sqrt(4 x 5 x 5 x 6).
TEST(Metrics, ScoresOfTwoClassesWorkedByHand) {
  ClassificationMetrics metrics;
  metrics.add(torch::eye(2).index_select(0, torch::tensor({1, 1, 1, 1, 0, 0, 0, 0, 0, 0})),
              torch::tensor({1, 1, 1, 0, 1, 1, 0, 0, 0, 0}));
  EXPECT_NEAR(metrics.matthews(), 10 / std::sqrt(600.0), 1e-12);
  const auto scores = metrics.scores();
  ASSERT_EQ(scores.size(), score_names(2).size());
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i].first, score_names(2)[i]);
  EXPECT_DOUBLE_EQ(scores[0].second, 0.7);
  EXPECT_DOUBLE_EQ(scores[2].second, 6.0 / 9);
  EXPECT_EQ(scores[3].second, metrics.matthews());
}

// Labels 0 0 1 1 1 2, answers 0 1 1 1 0 1: three are right of six. Answers of each class 2 4 0, labels 2 3 1:
// (3 x 6 - 16) / sqrt((36 - 20) x (36 - 14)).
TEST(Metrics, MatthewsOfMoreClassesWorkedByHand) {
  ClassificationMetrics metrics;
  metrics.add(torch::eye(3).index_select(0, torch::tensor({0, 1, 1, 1, 0, 1})), torch::tensor({0, 0, 1, 1, 1, 2}));
  EXPECT_NEAR(metrics.matthews(), 2 / std::sqrt(16.0 * 22.0), 1e-12);
  EXPECT_EQ(metrics.scores().size(), 2U);
}

TEST(Metrics, MatthewsIsZeroWhenOneClassIsAlwaysTheAnswer) {
  ClassificationMetrics metrics;
  metrics.add(torch::tensor({{1.0, 0.0}, {1.0, 0.0}}), torch::tensor({0, 1}));
  EXPECT_EQ(metrics.matthews(), 0);
  EXPECT_EQ(ClassificationMetrics().matthews(), 0);
}

// Errors -1, 0 and 2: (1 + 0 + 4) / 3, in one batch or in two. Answers 1 2 5 and numbers 2 2 3.
TEST(Metrics, NumbersWorkedByHand) {
  const auto answers = torch::tensor({{1.0F}, {2.0F}, {5.0F}}).requires_grad_();
  const auto numbers = torch::tensor({2.0F, 2.0F, 3.0F});
  const auto loss = task_loss(answers, numbers);
  EXPECT_NEAR(loss.item<double>(), 5.0 / 3, 1e-6);
  loss.backward();
  EXPECT_TRUE(torch::allclose(answers.grad(), torch::tensor({{-2.0F / 3}, {0.0F}, {4.0F / 3}})));
  EXPECT_EQ(num_correct(answers, numbers), 0);
  EXPECT_EQ(hard_labels(numbers).sizes(), numbers.sizes());
  ClassificationMetrics metrics;
  metrics.add(answers.narrow(0, 0, 1), numbers.narrow(0, 0, 1));
  metrics.add(answers.narrow(0, 1, 2), numbers.narrow(0, 1, 2));
  EXPECT_TRUE(metrics.are_numbers());
  EXPECT_EQ(metrics.num_examples(), 3);
  EXPECT_NEAR(metrics.loss(), 5.0 / 3, 1e-12);
  const auto scores = metrics.scores();
  ASSERT_EQ(scores.size(), 3U);
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i].first, score_names(1)[i]);
  // Deviations -5/3 -2/3 7/3 and -1/3 -1/3 2/3: 7/3 / sqrt(26/3 x 2/3).
  EXPECT_NEAR(scores[1].second, (7.0 / 3) / std::sqrt(52.0 / 9), 1e-12);
  EXPECT_NEAR(scores[2].second, 1.5 / std::sqrt(3.0), 1e-12);
}

TEST(Metrics, TheTaskOfClassesIsCrossEntropy) {
  EXPECT_TRUE(torch::equal(task_loss(kLogits, kLabels), cross_entropy(kLogits, kLabels)));
}

using Numbers = std::vector<double>;

// Deviations -1 0 1 and -1 -1 2: 3 / sqrt(2 x 6).
TEST(Metrics, AnswersThatAreNotThoseOfTheDataAreRefused) {
  ClassificationMetrics metrics;
  const auto numbers = torch::tensor({2.0F, 3.0F}), labels = torch::tensor({0, 3});
  const auto complaint = [](const std::function<void()>& run) { return fixtures::message_of<ShapeError>(run); };
  const std::string three =
      "[metrics] answers: expected one for each of the 2 numbers, got [2, 3]; the network has "
      "other classes than the data";
  EXPECT_EQ(complaint([&] { metrics.add(torch::zeros({2, 3}), numbers); }), three);
  EXPECT_EQ(complaint([&] { task_loss(torch::zeros({2, 3}), numbers); }), three);
  const std::string classes = "[metrics] labels: expected classes 0 .. 2, those of the network, got 3";
  EXPECT_EQ(complaint([&] { metrics.add(torch::zeros({2, 3}), labels); }), classes);
  EXPECT_EQ(complaint([&] { task_loss(torch::zeros({2, 3}), labels); }), classes);
}

TEST(Correlation, WhatIsNotFiniteCorrelatesWithNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double odd : {nan, inf, -inf}) {
    EXPECT_EQ(spearman({1, odd, 2}, {1, 2, 3}), 0);
    EXPECT_EQ(pearson({1, 2, 3}, {1, 2, odd}), 0);
  }
}

TEST(Correlation, PearsonWorkedByHand) {
  EXPECT_NEAR(pearson({1, 2, 3}, {1, 1, 4}), 3 / std::sqrt(12.0), 1e-12);
  EXPECT_DOUBLE_EQ(pearson({1, 2, 3}, {10, 20, 30}), 1);
  EXPECT_DOUBLE_EQ(pearson({1, 2, 3}, {3, 2, 1}), -1);
}

TEST(Correlation, EqualNumbersShareTheirPlaces) {
  EXPECT_EQ(ranks({5, 1, 5, 0}), (Numbers{3.5, 2, 3.5, 1}));
  EXPECT_EQ(ranks({7, 7, 7}), (Numbers{2, 2, 2}));
  EXPECT_TRUE(ranks({}).empty());
}

// Only the order counts. With a tie: ranks 1 2 3 and 1.5 1.5 3, deviations -1 0 1 and -0.5 -0.5 1: 1.5 / sqrt(2 x 1.5).
TEST(Correlation, SpearmanWorkedByHand) {
  EXPECT_DOUBLE_EQ(spearman({1, 2, 3, 4}, {1, 10, 100, 1000}), 1);
  EXPECT_NEAR(spearman({1, 2, 3}, {4, 4, 9}), 1.5 / std::sqrt(3.0), 1e-12);
}

TEST(Correlation, IsZeroWhereItIsNotDefined) {
  EXPECT_EQ(pearson({}, {}), 0);
  EXPECT_EQ(pearson({1}, {2}), 0);
  EXPECT_EQ(pearson({1, 1, 1}, {1, 2, 3}), 0);
  EXPECT_EQ(spearman({1, 2, 3}, {4, 4, 4}), 0);
}

}  // namespace
}  // namespace heterodyne::metrics_test
