#include "heterodyne/eval/run_record.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::run_record_test {
namespace {

TEST(RunRecord, ReadsWhatARunWrites) {
  const fixtures::TemporaryFolder folder;
  io::write_file(folder / "resolved.toml", "name = \"a <b>\"\nseed = 3\n");
  io::write_file(folder / "state", "running\npid 4711\nheartbeat 1700000000\n");
  io::write_file(folder / "environment.json", "{\"torch\": \"2.13.0\"}");
  io::write_file(folder / "metrics.jsonl",
                 "{\"step\":1,\"kind\":\"train\",\"loss\":2}\n{\"step\":1,\"kind\":\"valid\"}\n{\"step\":2,\"ki");
  const auto run = read_run(folder.path());
  EXPECT_EQ(run.name, "a <b>");
  EXPECT_EQ(run.state, "running");
  EXPECT_EQ(run.pid, 4711);
  EXPECT_EQ(run.heartbeat, 1700000000);
  EXPECT_EQ(run.metrics.size(), 2U);
  EXPECT_EQ(run.lines("train").size(), 1U);
  EXPECT_TRUE(run.problems.empty());
  EXPECT_FALSE(run.routing);
}

TEST(RunRecord, AnEmptyRunIsARun) {
  const fixtures::TemporaryFolder folder;
  io::write_file(folder / "resolved.toml", "");
  const auto run = read_run(folder.path());
  EXPECT_EQ(run.state, "unknown");
  EXPECT_TRUE(run.metrics.empty());
  EXPECT_TRUE(load_history(run).empty());
}

TEST(RunRecord, SaysWhatItCouldNotReadAndGoesOn) {
  const fixtures::TemporaryFolder folder;
  io::write_file(folder / "resolved.toml", "name = ");
  io::write_file(folder / "state", "flying\n");
  io::write_file(folder / "metrics.jsonl", "nonsense\n{\"step\":1,\"kind\":\"train\"}\n");
  io::write_file(folder / "routing.safetensors", "short");
  const auto run = read_run(folder.path());
  EXPECT_EQ(run.metrics.size(), 1U);
  ASSERT_EQ(run.problems.size(), 4U);
  EXPECT_NE(run.problems[0].find("resolved.toml:1:"), std::string::npos);
  EXPECT_NE(run.problems[1].find("names no state"), std::string::npos);
  EXPECT_TRUE(run.problems[2].starts_with("line 1 of ")) << run.problems[2];
  EXPECT_NE(run.problems[3].find("routing.safetensors"), std::string::npos);
}

TEST(RunRecord, OtherFoldersAreRefused) {
  const fixtures::TemporaryFolder folder;
  EXPECT_NE(fixtures::message_of<FormatError>([&] { read_run(folder.path()); }).find("no resolved.toml"),
            std::string::npos);
  EXPECT_NE(fixtures::message_of<FormatError>([&] { read_run(folder / "x"); }).find("no such run"), std::string::npos);
}

TEST(LoadHistory, FollowsExpertsThatComeAndGo) {
  RunRecord run;
  const auto line = [](int64_t step, Array ids, Array counts) {
    return Table{
        {"step", step}, {"kind", "experts"}, {"layers.0", Table{{"id", std::move(ids)}, {"count", std::move(counts)}}}};
  };
  run.metrics = {line(5, {0, 1}, {7, 3}), line(10, {0, 2}, {4, 6})};
  const auto histories = load_history(run);
  ASSERT_EQ(histories.size(), 1U);
  EXPECT_EQ(histories[0].layer, "layers.0");
  EXPECT_EQ(histories[0].id_E, (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(histories[0].step_T, (std::vector<int64_t>{5, 10}));
  EXPECT_EQ(histories[0].count_TE, (std::vector<int64_t>{7, 3, 0, 4, 0, 6}));
}

}  // namespace
}  // namespace heterodyne::run_record_test
