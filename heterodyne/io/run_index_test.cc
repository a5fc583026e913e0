#include "heterodyne/io/run_index.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::run_index_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;
using Mode = Sqlite::Mode;

IndexedRun example(const std::string& folder) {
  IndexedRun run{folder, "0123abcd", "demo", "running", 4711, 1'700'000'000, 20, "valid.accuracy",
                 "s1",   {},         {},     {},        {}};
  run.params = {{"model.moe.router.k", "2"}, {"seed", "1"}};
  run.metrics = {
      {"train.loss", MetricPoint{20, std::nan("")}, {}, MetricPoint{10, 0.5}, MetricPoint{1, 2}, {{1, 2}, {10, 0.5}}},
      {"valid.accuracy", MetricPoint{20, 0.4}, MetricPoint{10, 0.6}, {}, {}, {}}};
  run.experts = {{"layers.0", 0, "mlp", 0.75}, {"layers.0", 6, "", {}}};
  run.tags = {"best", "paper"};
  return run;
}

void expect_same(const IndexedRun& run, const IndexedRun& expected) {
  EXPECT_EQ(std::tie(run.folder, run.id, run.name, run.state, run.pid, run.heartbeat, run.step, run.best_metric),
            std::tie(expected.folder, expected.id, expected.name, expected.state, expected.pid, expected.heartbeat,
                     expected.step, expected.best_metric));
  EXPECT_EQ(run.stamp, expected.stamp);
  EXPECT_EQ(run.params, expected.params);
  EXPECT_EQ(run.experts, expected.experts);
  EXPECT_EQ(run.tags, expected.tags);
  ASSERT_EQ(run.metrics.size(), expected.metrics.size());
  for (size_t i = 0; i < run.metrics.size(); ++i) {
    const auto &metric = run.metrics[i], &wanted = expected.metrics[i];
    EXPECT_EQ(metric.name, wanted.name);
    EXPECT_EQ(metric.points, wanted.points);
    EXPECT_EQ(metric.best, wanted.best);
    EXPECT_EQ(metric.lowest, wanted.lowest);
    EXPECT_EQ(metric.highest, wanted.highest);
    ASSERT_EQ(metric.last.has_value(), wanted.last.has_value());
    EXPECT_EQ(metric.last->step, wanted.last->step);
    EXPECT_TRUE(metric.last->value == wanted.last->value ||
                (std::isnan(metric.last->value) && std::isnan(wanted.last->value)));
  }
}

class RunIndexTest : public testing::Test {
 protected:
  RunIndex open(Mode mode = Mode::kWrite) { return {path_, mode, 0}; }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "index.sqlite";
};

TEST_F(RunIndexTest, RunsReadBackAsTheyWerePut) {
  open().put(example("a"));
  auto index = open(Mode::kRead);
  const auto run = index.find("a");
  ASSERT_TRUE(run);
  expect_same(*run, example("a"));
  EXPECT_FALSE(index.find("b"));
  index.check();
}

TEST_F(RunIndexTest, ListsRunsWithTheirBestMetricAndTags) {
  auto index = open();
  index.put(example("b"));
  index.put(example("a/nested"));
  const auto runs = index.list();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].folder, "a/nested");
  ASSERT_EQ(runs[0].metrics.size(), 1U);
  EXPECT_EQ(runs[0].metrics[0].name, "valid.accuracy");
  EXPECT_EQ(runs[0].metrics[0].best, (MetricPoint{10, 0.6}));
  EXPECT_EQ(runs[1].tags, (std::vector<std::string>{"best", "paper"}));
}

TEST_F(RunIndexTest, PuttingAgainReplacesAll) {
  auto index = open();
  index.put(example("a"));
  auto changed = example("a");
  changed.state = "done";
  changed.params.pop_back();
  changed.metrics.pop_back();
  changed.experts.pop_back();
  changed.tags.pop_back();
  index.put(changed);
  expect_same(*index.find("a"), changed);
  EXPECT_EQ(index.list().size(), 1U);
}

TEST_F(RunIndexTest, ProgressReplacesAllButTheSettings) {
  auto index = open();
  index.put(example("a"));
  auto later = example("a");
  later.step = 30;
  later.metrics[1].last = MetricPoint{30, 0.7};
  later.tags = {"another"};
  later.experts.pop_back();
  later.params.clear();
  index.put_progress(later);
  later.params = example("a").params;
  expect_same(*index.find("a"), later);
}

TEST_F(RunIndexTest, RemovesRunsAndTakesTheContentsOfAnother) {
  auto index = open();
  index.put(example("a"));
  index.put(example("b"));
  index.remove("a");
  index.remove("never there");
  EXPECT_FALSE(index.find("a"));
  expect_same(*index.find("b"), example("b"));
  RunIndex other(folder_ / "other.sqlite", Mode::kWrite, 0);
  other.put(example("c"));
  {
    auto reader = open(Mode::kRead);
    other.copy_to(index);
    EXPECT_TRUE(reader.find("c")) << "whoever has it open sees what is new";
  }
  ASSERT_EQ(index.list().size(), 1U);
  expect_same(*index.find("c"), example("c"));
}

TEST_F(RunIndexTest, NamesMayHoldAnything) {
  const std::string name("<script>\"';DROP TABLE run;--\n\x1b[2J\0\xff%s", 38);
  auto run = example("x/" + name);
  run.name = name;
  run.params = {{name, name}};
  run.metrics = {{name, MetricPoint{1, 1}, {}, {}, {}, {}}};
  run.experts = {{name, 1, name, {}}};
  run.tags = {name};
  open().put(run);
  expect_same(*open().find(run.folder), run);
}

TEST_F(RunIndexTest, ReadersAndTheWriterDoNotWaitForEachOther) {
  auto writer = open();
  writer.put(example("a"));
  Sqlite holder(path_, Mode::kWrite, 0);
  holder.execute("BEGIN IMMEDIATE; UPDATE run SET state = 'done'");
  EXPECT_EQ(open(Mode::kRead).find("a")->state, "running");
  EXPECT_EQ(message_of<DeviceError>([&] { writer.put(example("a")); }), path_ + ": in use by another process");
  holder.execute("COMMIT");
  EXPECT_EQ(open(Mode::kRead).find("a")->state, "done");
}

TEST_F(RunIndexTest, AnotherSchemaIsRefused) {
  open();
  Sqlite(path_, Mode::kWrite, 0).execute("PRAGMA user_version = 7");
  EXPECT_EQ(message_of<FormatError>([&] { open(); }), path_ + ": expected an index of schema 1, got 7");
}

TEST_F(RunIndexTest, ADatabaseOfSomebodyElseIsRefusedAndLeftAlone) {
  Sqlite(path_, Mode::kWrite, 0).execute("CREATE TABLE mine(x)");
  EXPECT_THROW(open(), FormatError);
  EXPECT_FALSE(Sqlite(path_, Mode::kRead, 0).prepare("SELECT * FROM mine").step());
}

TEST_F(RunIndexTest, DamageIsAnError) {
  {
    auto index = open();
    for (int i = 0; i < 50; ++i) index.put(example("run" + std::to_string(i)));
  }
  const std::string sound = read_file(path_);
  const auto read_all = [&] {
    auto index = open();
    index.check();
    for (const auto& run : index.list()) index.find(run.folder);
  };
  write_file(path_, sound.substr(0, sound.size() / 2));
  EXPECT_THROW(read_all(), FormatError);
  write_file(path_, std::string(4096, '\x5a'));
  EXPECT_THROW(read_all(), FormatError);
  std::string holed = sound;
  std::fill(holed.begin() + 4096, holed.end(), '\x7f');
  write_file(path_, holed);
  EXPECT_THROW(read_all(), FormatError);
  write_file(path_, "");
  EXPECT_NO_THROW(read_all()) << "an empty file is an empty database";
}

TEST_F(RunIndexTest, AnyByteMayBeDamagedWithoutHarm) {
  open().put(example("a"));
  const std::string sound = read_file(path_);
  for (size_t at = 0; at < sound.size(); at += 509) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    folder_.put("index.sqlite", damaged);
    try {
      auto index = open();
      for (const auto& run : index.list()) index.find(run.folder);
      index.put(example("a"));
    } catch (const Error&) {  // refused: all that is asked for
    }
    for (const char* journal : {"-wal", "-shm", "-journal"}) std::filesystem::remove(path_ + journal);
  }
}

}  // namespace
}  // namespace heterodyne::io::run_index_test
