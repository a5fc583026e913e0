// The promises of finding.h, kept by every kind, and what each kind looks for.
#include "heterodyne/report/finding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "heterodyne/report/fixtures.h"
#include "heterodyne/report/panel.h"

namespace heterodyne::finding_test {
namespace {

TEST(Finding, EverySeverityHasAWordOfItsOwn) {
  EXPECT_STREQ(severity_word(Severity::kRed), "problem");
  EXPECT_STREQ(severity_word(Severity::kAmber), "warning");
  EXPECT_STREQ(severity_word(Severity::kGrey), "note");
}

std::vector<Finding> look(const std::string& kind, const ReportInput& input) {
  return findings().find(kind).look(input);
}

// A run in which everything that can go wrong has.
ReportInput broken_input() {
  ReportInput input = fixtures::full_input();
  input.run.state = "failed";
  input.run.problems = {"metrics.jsonl: line 3: not JSON"};
  auto& layers = input.run.routing->layers;
  layers[0].counts.count_E = {319000, 1000, 0, 0};
  layers[0].counts.num_tokens = 320000;
  layers[1].counts.count_E = {59, 60, 1};
  layers[1].shuffled_information.assign(100, 0.5);
  input.run.routing->cost.executed.macs = 9e6;
  input.run.metrics.push_back(
      Table{{"step", 1100}, {"kind", "train"}, {"loss", Value()}, {"nonfinite", Array{"loss"}}});
  return input;
}

class FindingContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, FindingContract, testing::ValuesIn(findings().names()),
                         [](const auto& test) { return test.param; });

TEST_P(FindingContract, IsASentenceThatLeadsToAPanel) {
  const auto names = panels().names();
  for (const auto& input :
       {fixtures::full_input(), fixtures::empty_input(), fixtures::running_input(), broken_input()}) {
    for (const Finding& finding : look(GetParam(), input)) {
      EXPECT_TRUE(finding.text.ends_with('.') || finding.text.find(": ") != std::string::npos) << finding.text;
      EXPECT_EQ(finding.text.find("nan"), std::string::npos) << finding.text;
      EXPECT_NE(std::find(names.begin(), names.end(), finding.panel), names.end()) << finding.panel;
    }
  }
}

TEST_P(FindingContract, AnEmptyRunIsNotBlamed) { EXPECT_TRUE(look(GetParam(), fixtures::empty_input()).empty()); }

TEST(Findings, DeadExpertsAreNamedWithRemediesThatExist) {
  const auto found = look("dead", broken_input());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].severity, Severity::kRed);
  EXPECT_EQ(
      found[0].text,
      "layers.0: experts 2 vit and 3 rnn got none of 320,000 assignments (the valid split; an even share is 80,000) "
      "and learn nothing. Try a larger model.moe.balancers.0.weight (0.02 now) or model.moe.router.noise = "
      "\"gumbel\".");
}

// 51,438 and 60,967 of 320,000 are 16.1 and 19.1 %, each more than half of a quarter; 1 % of the loss of 0.5 is 0.005.
TEST(Findings, ExpertsThatAreNotMissedAreNamed) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers[0].knock_out->loss_change_E = {0.1, 0.004, 0.3, 0.006};
  const auto one = look("dispensable", input);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(
      one[0].text,
      "layers.0: expert 1 cnn gets 16.1 % of the assignments, and taking it away costs less than 1 % of the loss.");
  input.run.routing->layers[0].knock_out->loss_change_E[3] = -0.01;
  EXPECT_NE(look("dispensable", input)
                .at(0)
                .text.find("experts 1 cnn and 3 rnn get 35.1 % of the assignments, and "
                           "taking any one of them away"),
            std::string::npos);
  input.run.routing->layers[0].counts.count_E = {103993, 20000, 103602, 92405};
  EXPECT_EQ(look("dispensable", input).at(0).text.find("1 cnn"), std::string::npos) << "that one hardly works";
  input.run.routing->layers[0].knock_out.reset();
  EXPECT_TRUE(look("dispensable", input).empty());
}

TEST(Findings, DeadExpertsShowInMetricsWhenNothingElseIsRecorded) {
  ReportInput input = fixtures::running_input();
  input.run.metrics.push_back(Table{{"step", 1100}, {"kind", "train"}, {"layers.0.dead", 2}});
  const auto found = look("dead", input);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].text.starts_with("layers.0: 2 experts got no token in the steps before 1,100."));
}

// 1 of 120 assignments to three experts is 2.5 % of an even share; 1 of 1,201 is 0.25 %.
TEST(Findings, StarvedExpertsGetLessThanAHundredthOfAnEvenShare) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers[1].counts.count_E = {59, 60, 1};
  EXPECT_TRUE(look("starved", input).empty());
  input.run.routing->layers[1].counts.count_E = {600, 600, 1};
  const auto found = look("starved", input);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].text.find("layers.1: expert 4 mlp (0.2 %)"), std::string::npos) << found[0].text;
}

TEST(Findings, ACollapsedRouterIsNamed) {
  EXPECT_TRUE(look("collapse", fixtures::full_input()).empty());
  const auto found = look("collapse", broken_input());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].text.find("expert 0 mlp alone takes 99.7 %"), std::string::npos) << found[0].text;
}

LoadHistory history_of(const std::function<double(int)>& share) {
  LoadHistory history{"layers.0", {0, 1}, {}, {}};
  for (int t = 1; t <= 40; ++t) {
    history.step_T.push_back(100 * t);
    const auto count = static_cast<int64_t>(std::llround(1000 * share(t)));
    history.count_TE.insert(history.count_TE.end(), {count, 1000 - count});
  }
  return history;
}

TEST(Findings, ALoadThatMovesAtTheEndDrifts) {
  ReportInput input;
  input.run.state = "done";
  input.loads = {history_of([](int t) { return 0.2 + 0.014 * t; })};
  const auto found = look("drifting", input);
  ASSERT_EQ(found.size(), 1U);
  // Means of entries 21 .. 30 and 31 .. 40: 0.2 + 0.014 x 25.5 and 35.5.
  EXPECT_NE(found[0].text.find("0 from 55.7 % to 69.7 %"), std::string::npos) << found[0].text;
  input.run.state = "running";
  EXPECT_EQ(look("drifting", input)[0].severity, Severity::kGrey);
}

TEST(Findings, ALoadThatOnlyScattersOrSettledDoesNotDrift) {
  ReportInput input;
  input.loads = {history_of([](int t) { return t % 2 == 0 ? 0.3 : 0.7; })};
  EXPECT_TRUE(look("drifting", input).empty());
  input.loads = {history_of([](int t) { return t <= 20 ? 0.1 : 0.5 + 0.001 * t; })};
  EXPECT_TRUE(look("drifting", input).empty());
}

TEST(Findings, FewEntriesSayNothingOfDrift) {
  ReportInput input;
  LoadHistory history = history_of([](int t) { return 0.02 * t; });
  history.step_T.resize(12);
  history.count_TE.resize(24);
  input.loads = {history};
  EXPECT_TRUE(look("drifting", input).empty());
}

TEST(Findings, SpecialisationInsideTheBandOfChanceIsNone) {
  const auto found = look("no_specialisation", broken_input());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NE(
      found[1].text.find("layers.1: no specialisation by class: I = 0.2532 nats is not distinguishable from chance"),
      std::string::npos);
  EXPECT_EQ(look("no_specialisation", fixtures::full_input()).size(), 1U) << "layers.0 alone";
}

TEST(Findings, MeanKIsANote) {
  const auto found = look("mean_k", fixtures::full_input());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "Experts that a token gets on average: 2 of 4 in layers.0 and 1 of 3 in layers.1.");
  EXPECT_EQ(found[0].severity, Severity::kGrey);
}

TEST(Findings, WorkBeyondTheAssignmentsIsToldByHowMuch) {
  const auto small = look("cost_gap", fixtures::full_input());
  ASSERT_EQ(small.size(), 1U);
  EXPECT_EQ(small[0].severity, Severity::kGrey);
  EXPECT_NE(small[0].text.find("3.67 M MACs where its assignments alone need 3.48 M (x1.055)"), std::string::npos);
  EXPECT_EQ(look("cost_gap", broken_input())[0].severity, Severity::kAmber);
}

TEST(Findings, ARunThatShowsNoSignOfLifeIsLost) {
  ReportInput input = fixtures::running_input();
  input.run.heartbeat = 1'000'000;
  input.now = 1'000'060;
  EXPECT_EQ(look("unfinished", input)[0].severity, Severity::kGrey);
  input.now = 1'000'061;
  const auto lost = look("unfinished", input);
  EXPECT_EQ(lost[0].severity, Severity::kRed);
  EXPECT_EQ(lost[0].text,
            "The run is lost: it has shown no sign of life for 61 seconds and its last line is of step 1,000. Continue "
            "with: heterodyne train --resume runs/going");
  input.now = 0;
  EXPECT_EQ(look("unfinished", input)[0].severity, Severity::kGrey) << "without a clock nothing is lost";
}

TEST(Findings, FailedAndInterruptedRunsAreTold) {
  ReportInput input = fixtures::running_input();
  input.run.state = "failed";
  EXPECT_EQ(look("unfinished", input)[0].severity, Severity::kRed);
  input.run.state = "interrupted";
  EXPECT_EQ(look("unfinished", input)[0].severity, Severity::kAmber);
  input.run.state = "done";
  EXPECT_TRUE(look("unfinished", input).empty());
}

TEST(Findings, ValuesThatAreNotFiniteAreNamedWithTheirFirstStep) {
  const auto found = look("non_finite", broken_input());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].text.starts_with("Not finite: loss from step 1,100."));
}

TEST(Findings, WhatCannotBeReadIsTold) {
  const auto found = look("unreadable", broken_input());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "Could not be read: metrics.jsonl: line 3: not JSON");
}

TEST(Findings, ARisingValidationLossOverfits) {
  ReportInput input;
  for (int i = 1; i <= 6; ++i) {
    input.run.metrics.push_back(Table{{"step", 100 * i}, {"kind", "train"}, {"task", 1.0 / i}});
    const double valid = i <= 2 ? 1.0 / i : 0.5 + 0.02 * (i - 2);
    input.run.metrics.push_back(Table{{"step", 100 * i}, {"kind", "valid"}, {"loss", valid}});
  }
  const auto found = look("overfit", input);
  ASSERT_EQ(found.size(), 1U) << "0.58 is 16 % above 0.5, four validations later";
  EXPECT_NE(found[0].text.find("lowest at step 200 (0.5) and is 0.58 at step 600"), std::string::npos) << found[0].text;
  input.run.metrics.resize(8);
  EXPECT_TRUE(look("overfit", input).empty()) << "0.54 is 8 % above it, two validations later";
}

}  // namespace
}  // namespace heterodyne::finding_test
