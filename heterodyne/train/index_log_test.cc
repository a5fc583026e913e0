#include "heterodyne/train/index_log.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/eval/run_list.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/metrics_log.h"

namespace heterodyne::index_log_test {
namespace {

struct IndexLogTest : testing::Test {
  void report(Hook& hook, int64_t step, double loss) const {
    const Table line{{"step", step}, {"kind", "train"}, {"loss", loss}};
    MetricsLog(run.file("metrics.jsonl")).on_log({step, step, line, {}});
    hook.on_log({step, step, line, {}});
  }
  std::optional<io::IndexedRun> indexed() const {
    return io::RunIndex(index_path(folder.path()), io::Sqlite::Mode::kRead, 0).find("mix/run");
  }

  fixtures::TemporaryFolder folder;
  RunFolder run = RunFolder::create(folder / "mix/run", fixtures::small_experiment());
  std::vector<std::string> warnings;
  Log log{[this](LogLevel, const std::string& line) { warnings.push_back(line); }};
};

TEST_F(IndexLogTest, TheRowFollowsTheRun) {
  IndexLog index(run, folder.path(), log, 0);
  run.write_state("running");
  index.on_start({});
  EXPECT_EQ(indexed()->state, "running");
  EXPECT_EQ(indexed()->name, "small");
  report(index, 4, 2.5);
  report(index, 8, 1.5);
  EXPECT_EQ(indexed()->step, 8);
  ASSERT_EQ(indexed()->metrics.size(), 1U);
  EXPECT_EQ(indexed()->metrics[0].points, (std::vector<io::MetricPoint>{{4, 2.5}, {8, 1.5}}));
  EXPECT_FALSE(indexed()->params.empty());
  EXPECT_EQ(indexed()->stamp, run_stamp(run.path())) << "whoever lists runs need not read the folder";
  run.write_state("done");
  index.finish();
  EXPECT_EQ(indexed()->state, "done");
  EXPECT_TRUE(warnings.empty());
}

TEST_F(IndexLogTest, WritesNoMoreOftenThanAskedFor) {
  IndexLog index(run, folder.path(), log, 1e9);
  run.write_state("running");
  index.on_start({});
  report(index, 4, 2.5);
  EXPECT_EQ(indexed()->step, 0);
  run.write_state("interrupted");
  index.finish();
  EXPECT_EQ(indexed()->step, 4);
  EXPECT_EQ(indexed()->state, "interrupted");
}

TEST_F(IndexLogTest, ARunThatGoesOnKeepsItsCurves) {
  {
    IndexLog before(run, folder.path(), log, 0);
    before.on_start({});
    report(before, 4, 2.5);
  }
  IndexLog after(run, folder.path(), log, 0);
  after.on_start({});
  report(after, 8, 1.5);
  EXPECT_EQ(indexed()->metrics[0].points.size(), 2U);
}

TEST_F(IndexLogTest, RunsElsewhereAreNotIndexed) {
  const fixtures::TemporaryFolder elsewhere;
  IndexLog index(run, elsewhere.path(), log, 0);
  index.on_start({});
  report(index, 4, 2.5);
  index.finish();
  EXPECT_TRUE(io::list_folder(elsewhere.path()).empty());
}

TEST_F(IndexLogTest, ADamagedIndexIsOneWarningAndMendedWhenItWasReplaced) {
  folder.put("index.sqlite", std::string(5000, 'x'));
  IndexLog index(run, folder.path(), log, 0);
  index.on_start({});
  for (int64_t step = 1; step < 5; ++step) report(index, step, 1);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("index.sqlite: is damaged"), std::string::npos);
  EXPECT_NE(warnings[0].find("heterodyne runs reindex"), std::string::npos);
  std::filesystem::remove(folder / "index.sqlite");
  run.write_state("done");
  index.finish();
  EXPECT_EQ(indexed()->step, 4);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(IndexLogTest, AnIndexInUseIsTriedAgain) {
  io::RunIndex(index_path(folder.path()), io::Sqlite::Mode::kWrite, 0);
  IndexLog index(run, folder.path(), log, 0);
  {
    io::Sqlite holder(index_path(folder.path()), io::Sqlite::Mode::kWrite, 0);
    holder.execute("BEGIN IMMEDIATE; PRAGMA user_version = 1");
    index.on_start({});
    report(index, 1, 1);
  }
  EXPECT_EQ(warnings.size(), 1U);
  report(index, 2, 1);
  EXPECT_EQ(indexed()->step, 2);
  EXPECT_FALSE(indexed()->params.empty()) << "settings come with the first write that works";
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(IndexLogTest, WhereNoIndexCanBeTheRunGoesOn) {
  std::filesystem::create_directory(folder / "index.sqlite");
  IndexLog index(run, folder.path(), log, 0);
  index.on_start({});
  for (int64_t step = 1; step < 5; ++step) report(index, step, 1);
  index.finish();
  EXPECT_EQ(warnings.size(), 1U);
}

}  // namespace
}  // namespace heterodyne::index_log_test
