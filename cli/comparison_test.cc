#include "cli/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace heterodyne::cli::comparison_test {
namespace {

Table valid(int64_t step, double accuracy, double loss) {
  return {{"step", step}, {"kind", "valid"}, {"accuracy", accuracy}, {"loss", loss}, {"params", step}};
}

TEST(Outcome, IsThatOfTheBestValidation) {
  RunRecord run;
  run.metrics = {valid(1, 0.2, 3), valid(2, 0.6, 2), valid(3, 0.6, 1), valid(4, 0.5, 0.5),
                 Table{{"step", 2}, {"kind", "test"}, {"accuracy", 0.55}}};
  EXPECT_EQ(outcome_of(run, "m").valid_accuracy, 0.6);
  EXPECT_EQ(outcome_of(run, "m").params, 2) << "the first of equals, as checkpoints are chosen";
  EXPECT_EQ(outcome_of(run, "m").test_accuracy, 0.55);
  run.config = Table{{"train", Table{{"checkpoint", Table{{"best", "valid.loss"}}}}}};
  EXPECT_EQ(outcome_of(run, "m").params, 4) << "a loss is best when lowest";
}

TEST(Outcome, TakesTheWorstLayersLoadTheMeanEntropyAndAllDeadExperts) {
  RunRecord run;
  Table line = valid(1, 0.5, 1);
  for (const auto& [layer, violation, entropy, dead] :
       {std::tuple("layers.0", 0.25, 0.5, 1), std::tuple("layers.7", 1.5, 1.0, 2)}) {
    line.set(std::string(layer) + ".max_violation", violation);
    line.set(std::string(layer) + ".entropy", entropy);
    line.set(std::string(layer) + ".dead", dead);
  }
  run.metrics = {line};
  const auto outcome = outcome_of(run, "m");
  EXPECT_EQ(outcome.max_ideal, 2.5);
  EXPECT_EQ(outcome.entropy, 0.75);
  EXPECT_EQ(outcome.num_dead, 3);
}

// Two experts, two classes: one layer knows the class (I = ln 2), the other nothing (I = 0).
TEST(Outcome, TakesTheMeanOfWhatTheLayersRoutingSays) {
  RunRecord run;
  run.routing.emplace();
  for (const auto& counts : {std::vector<int64_t>{10, 0, 0, 10}, std::vector<int64_t>{5, 5, 5, 5}}) {
    LayerProfile layer;
    layer.experts.resize(2);
    layer.counts.count_E = {10, 10};
    layer.groups = {{"class", {"a", "b"}, counts, {10, 10}}};
    run.routing->layers.push_back(layer);
  }
  run.routing->layers[0].knock_out.emplace();
  run.routing->layers[0].knock_out->loss_change_E = {0.25, 0.75};
  run.routing->latency = {{128, 10, 1, 9.0, 10.0}, {1, 10, 1, 2.0, 3.0}};
  const auto outcome = outcome_of(run, "m");
  EXPECT_NEAR(*outcome.information, std::log(2.0) / 2, 1e-12);
  EXPECT_NEAR(*outcome.nmi, 0.5, 1e-12);
  EXPECT_EQ(outcome.knock_out, 0.5);
  EXPECT_EQ(outcome.latency_ms, 2.0);
}

TEST(Outcome, WhatWasNotRecordedIsMissing) {
  const auto outcome = outcome_of(RunRecord(), "m");
  EXPECT_FALSE(outcome.valid_accuracy || outcome.test_accuracy || outcome.params || outcome.max_ideal ||
               outcome.entropy || outcome.cv || outcome.num_dead || outcome.information || outcome.nmi ||
               outcome.knock_out || outcome.latency_ms);
  EXPECT_EQ(comparison_rows({{outcome}}, "table").columns, std::vector<std::string>{"model"})
      << "for people nothing about nothing";
  Outcome other = outcome;
  other.valid_accuracy = 0.5;
  const Rows rows = comparison_rows({{outcome}, {other}}, "table");
  EXPECT_EQ(rows.columns, (std::vector<std::string>{"model", "valid acc %"}));
  EXPECT_EQ(rows.rows[0][1], Value("-"));
}

Outcome with_params(const std::string& model, std::optional<double> params) {
  Outcome outcome;
  outcome.model = model;
  outcome.params = params;
  return outcome;
}

// 1, 2 and 4: mean 7/3, squared distances 16/9 + 1/9 + 25/9 = 42/9, halved 21/9.
TEST(Spread, IsMeanAndSampleDeviationOfWhatThereIs) {
  const OutcomeGroup group{with_params("m", 1), with_params("m", {}), with_params("m", 2), with_params("m", 4)};
  const SeedSpread spread = spread_of(group, &Outcome::params);
  EXPECT_EQ(spread.count, 3);
  EXPECT_DOUBLE_EQ(spread.mean, 7.0 / 3);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(21.0 / 9));
  EXPECT_EQ(spread_of({with_params("m", 5)}, &Outcome::params).deviation, 0);
}

Outcome of_seed(const std::string& model, int64_t seed, double accuracy) {
  Outcome outcome;
  outcome.model = model;
  outcome.seed = seed;
  outcome.valid_accuracy = accuracy;
  return outcome;
}

// Seeds 1 and 2 pair: differences 0.02 and 0.04; mean 0.03, deviation 0.01414, half width 12.706 x 0.01 = 0.12706.
TEST(Differences, ArePairedBySeed) {
  const OutcomeGroup base{of_seed("a", 1, 0.50), of_seed("a", 2, 0.40), of_seed("a", 3, 0.9)};
  const OutcomeGroup group{of_seed("b", 2, 0.44), of_seed("b", 1, 0.52), of_seed("b", 7, 0.1)};
  const auto difference = difference_of(group, base, &Outcome::valid_accuracy);
  EXPECT_EQ(difference.count, 2);
  EXPECT_NEAR(difference.mean, 0.03, 1e-12);
  EXPECT_NEAR(difference.high, 0.03 + 0.12706, 1e-5);
  const Rows rows = difference_rows({base, group});
  EXPECT_EQ(rows.columns,
            (std::vector<std::string>{"model", "against", "pairs", "valid acc, points", "test acc, points"}));
  ASSERT_EQ(rows.rows.size(), 1U);
  EXPECT_EQ(rows.rows[0], (std::vector<Value>{"b", "a", 2, "+3.0 (-9.7 .. 15.7)  not distinguishable", "-"}));
}

TEST(Differences, LeaveOutSeedsThatAGroupHasTwice) {
  const OutcomeGroup base{of_seed("a", 1, 0.50), of_seed("a", 2, 0.40)};
  const OutcomeGroup group{of_seed("b", 1, 0.44), of_seed("b", 1, 0.52), of_seed("b", 2, 0.45)};
  EXPECT_EQ(difference_of(group, base, &Outcome::valid_accuracy).count, 1);
  EXPECT_EQ(difference_rows({base, group}).rows[0][3], Value("+5.0"));
  EXPECT_EQ(pairing_warnings({base, group}),
            (std::vector<std::string>{"b has several runs of seed 1, which are in no pair"}));
}

Outcome routed(const std::string& split) {
  Outcome outcome;
  outcome.path = "runs/" + split;
  outcome.routed = split;
  outcome.information = 0.5;
  return outcome;
}

TEST(RoutingWarnings, SayThatRoutingIsOfDifferentSplits) {
  EXPECT_TRUE(routing_warnings({{routed("valid"), Outcome()}, {routed("valid")}}).empty()) << "a dense run has none";
  EXPECT_EQ(
      routing_warnings({{routed("valid"), routed("test")}, {routed("valid")}}),
      (std::vector<std::string>{"I, NMI and knock-out are of different splits: test of 1 run, valid of 2 runs. Of "
                                "one: heterodyne route runs/test valid, for each run"}));
}

TEST(RoutingWarnings, NameAnotherDataSet) {
  RunRecord run;
  run.config = Table{{"data", Table{{"kind", "mnist"}}}};
  run.routing.emplace();
  run.routing->about = Table{{"split", "test"}, {"data", "mnist"}};
  EXPECT_EQ(outcome_of(run, "m").routed, "test");
  run.routing->about.set("data", "fashion_mnist");
  EXPECT_EQ(outcome_of(run, "m").routed, "fashion_mnist test");
  run.routing->about = Table{{"split", "valid"}, {"step", 3}};
  EXPECT_EQ(outcome_of(run, "m").routed, "valid");
}

TEST(Differences, AreMissingWhereNoSeedIsShared) {
  EXPECT_TRUE(difference_rows({{of_seed("a", 1, 0.5)}, {of_seed("b", 2, 0.5)}}).rows.empty());
  EXPECT_TRUE(difference_rows({}).rows.empty());
}

TEST(Differences, AreColumnsForPrograms) {
  const OutcomeGroup base{of_seed("a", 1, 0.50), of_seed("a", 2, 0.40)};
  const Rows rows = comparison_rows({base, {of_seed("b", 1, 0.52), of_seed("b", 2, 0.44)}}, "json");
  const auto column = static_cast<size_t>(
      std::find(rows.columns.begin(), rows.columns.end(), "valid_accuracy_difference") - rows.columns.begin());
  ASSERT_LT(column + 2, rows.columns.size());
  EXPECT_TRUE(rows.rows[0][column].is_null());
  EXPECT_NEAR(*rows.rows[1][column].if_real(), 0.03, 1e-12);
  EXPECT_NEAR(*rows.rows[1][column + 1].if_real(), 0.03 - 0.12706, 1e-5);
}

TEST(BudgetWarnings, NameTheLargestAndTheSmallest) {
  const auto warnings = [](std::optional<double> a, std::optional<double> b, std::optional<double> c) {
    return budget_warnings({{with_params("a", a)}, {with_params("b", b)}, {with_params("c", c)}});
  };
  EXPECT_EQ(warnings(100, 357611, 290442), (std::vector<std::string>{"b has 357511 % more parameters than a"}));
  EXPECT_EQ(warnings({}, 357611, 290442), (std::vector<std::string>{"b has 23 % more parameters than c"}));
  EXPECT_TRUE(warnings(100, 110, {}).empty());
  EXPECT_TRUE(warnings({}, {}, {}).empty());
}

TEST(BudgetWarnings, SayHowToMakeATwin) {
  const auto run_of = [](const std::string& name, double params, Array experts) {
    RunRecord run;
    run.path = "runs/" + name;
    run.metrics = {valid(static_cast<int64_t>(params), 0.5, 1)};
    run.config = Table{{"model", Table{{"moe", Table{{"experts", std::move(experts)}}}}}};
    return outcome_of(run, name);
  };
  const Table mlp{{"kind", "mlp"}, {"count", 4}}, unlike{{"kind", "mlp"}, {"hidden", Array{8, 16}}};
  const auto mixed = run_of("mixed", 200, {mlp, Table{{"kind", "conv1d"}}});
  const auto equal = run_of("equal", 100, {mlp});
  const auto dense = run_of("dense", 300, {});
  const auto sizes = run_of("sizes", 200, {unlike});
  const std::string twin = ". Equal budget: heterodyne config twin runs/";
  const auto warning = [](const Outcome& a, const Outcome& b) { return budget_warnings({{a}, {b}}).at(0); };
  EXPECT_EQ(warning(mixed, equal),
            "mixed has 100 % more parameters than equal" + twin + "mixed --as homogeneous --match params");
  EXPECT_EQ(warning(equal, sizes),
            "sizes has 100 % more parameters than equal" + twin + "sizes --as homogeneous --match params");
  EXPECT_EQ(warning(mixed, dense),
            "dense has 50 % more parameters than mixed" + twin + "mixed --as dense --match params");
  EXPECT_EQ(warning(run_of("other", 90, {mlp, unlike}), mixed), "mixed has 122 % more parameters than other");
}

}  // namespace
}  // namespace heterodyne::cli::comparison_test
