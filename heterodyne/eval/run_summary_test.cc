#include "heterodyne/eval/run_summary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::run_summary_test {
namespace {

using io::MetricPoint;

RunRecord record() {
  RunRecord run;
  run.name = "demo";
  run.state = "done";
  run.pid = 4711;
  run.heartbeat = 1'700'000'000;
  run.config =
      Table{{"name", "demo"},
            {"seed", 3},
            {"model",
             Table{{"moe", Table{{"layers", Array{0, 1}},
                                 {"experts", Array{Table{{"kind", "mlp"}, {"count", 2}}, Table{{"kind", "cnn"}}}}}}}}};
  run.metrics = {
      Table{{"step", 5}, {"epoch", 0.5}, {"kind", "train"}, {"loss", 2.0}, {"layers.0.dead", 0}},
      Table{{"step", 10}, {"kind", "valid"}, {"accuracy", 0.5}, {"loss", 1.5}},
      Table{{"step", 15}, {"kind", "train"}, {"loss", Value()}, {"nonfinite", Array{"loss"}}},
      Table{{"step", 15}, {"kind", "experts"}, {"layers.0", Table{{"id", Array{0, 1}}, {"count", Array{5, 5}}}}},
      Table{{"step", 20}, {"kind", "valid"}, {"accuracy", 0.25}, {"loss", 1.0}},
      Table{{"step", 20}, {"kind", "experts"}, {"layers.0", Table{{"id", Array{2, 10}}, {"count", Array{30, 10}}}}}};
  return run;
}

const io::IndexedMetric& metric(const io::IndexedRun& run, const std::string& name) {
  for (const auto& found : run.metrics) {
    if (found.name == name) return found;
  }
  throw std::out_of_range(name);
}

TEST(RunSummary, TellsWhoTheRunIsAndHowFarItIs) {
  const auto row = RunSummary(record(), "mix/a").row();
  EXPECT_EQ(row.folder, "mix/a");
  EXPECT_EQ(row.name, "demo");
  EXPECT_EQ(row.state, "done");
  EXPECT_EQ(row.pid, 4711);
  EXPECT_EQ(row.heartbeat, 1'700'000'000);
  EXPECT_EQ(row.step, 20);
  EXPECT_EQ(row.best_metric, "valid.accuracy");
}

// printf mix/a | sha256sum
TEST(RunSummary, IdsComeFromThePlace) {
  EXPECT_EQ(run_id("mix/a"), "4bb1978e");
  EXPECT_NE(run_id("mix/a"), run_id("mix/b"));
}

TEST(RunSummary, MetricsKeepLastBestAndRange) {
  const auto row = RunSummary(record(), "a").row();
  const auto& accuracy = metric(row, "valid.accuracy");
  EXPECT_EQ(accuracy.last, (MetricPoint{20, 0.25}));
  EXPECT_EQ(accuracy.best, (MetricPoint{10, 0.5}));
  EXPECT_EQ(accuracy.lowest, (MetricPoint{20, 0.25}));
  EXPECT_EQ(accuracy.points, (std::vector<MetricPoint>{{10, 0.5}, {20, 0.25}}));
  EXPECT_EQ(metric(row, "valid.loss").best, (MetricPoint{20, 1.0})) << "a loss is best when lowest";
  EXPECT_FALSE(metric(row, "train.layers.0.dead").best) << "nobody knows which number of it is better";
  EXPECT_TRUE(std::isnan(metric(row, "train.loss").last->value));
  EXPECT_EQ(metric(row, "train.loss").best, (MetricPoint{5, 2.0}));
}

TEST(RunSummary, ExpertsAreThoseOfTheLatestLoads) {
  const auto row = RunSummary(record(), "a").row();
  EXPECT_EQ(row.experts, (std::vector<io::IndexedExpert>{{"layers.0", 2, "cnn", 0.75}, {"layers.0", 10, "", 0.25}}));
}

TEST(RunSummary, SettingsAreFlat) {
  const auto row = RunSummary(record(), "a").row();
  EXPECT_EQ(row.params, (std::vector<std::pair<std::string, std::string>>{{"name", "demo"},
                                                                          {"seed", "3"},
                                                                          {"model.moe.layers", "[0, 1]"},
                                                                          {"model.moe.experts.0.kind", "mlp"},
                                                                          {"model.moe.experts.0.count", "2"},
                                                                          {"model.moe.experts.1.kind", "cnn"}}));
}

TEST(RunSummary, FollowsARunLineByLine) {
  RunRecord start = record();
  const auto lines = std::exchange(start.metrics, {});
  RunSummary summary(start, "a");
  EXPECT_TRUE(summary.row().metrics.empty());
  for (const auto& line : lines) summary.add(line);
  summary.set_state("done", 4711, 1'700'000'000);
  const auto followed = summary.row(), read = RunSummary(record(), "a").row();
  EXPECT_EQ(followed.step, read.step);
  ASSERT_EQ(followed.metrics.size(), read.metrics.size());
  for (size_t i = 0; i < read.metrics.size(); ++i) EXPECT_EQ(followed.metrics[i].points, read.metrics[i].points);
}

TEST(RunSummary, TakesNoMoreMetricsThanItMay) {
  RunRecord run = record();
  Table line{{"step", 1}, {"kind", "train"}};
  for (size_t i = 0; i < 2 * RunSummary::kMaxMetrics; ++i) line.set("m" + std::to_string(i), 1.0);
  run.metrics = {line, Table{{"kind", "experts"}, {"loss", 1.0}}, Table{{"step", "x"}, {"kind", 1}, {"loss", 1.0}},
                 Table{{"kind", "experts"}, {"a", Table{{"id", Array{-1, "x", 1}}, {"count", Array{1}}}}}};
  EXPECT_EQ(RunSummary(run, "a").row().metrics.size(), RunSummary::kMaxMetrics);
}

}  // namespace
}  // namespace heterodyne::run_summary_test
