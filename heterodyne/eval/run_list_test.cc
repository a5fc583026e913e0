#include "heterodyne/eval/run_list.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::run_list_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;

class RunListTest : public testing::Test {
 protected:
  // A run as it lies on the disk.
  void put_run(const std::string& folder, const std::string& state = "done", const std::string& accuracy = "0.5") {
    runs_.put(folder + "/resolved.toml", "name = \"demo\"\nseed = 1\n");
    runs_.put(folder + "/state", state + "\npid 1\nheartbeat 1700000000\n");
    runs_.put(folder + "/metrics.jsonl", "{\"step\":10,\"kind\":\"valid\",\"accuracy\":" + accuracy + "}\n");
  }

  std::vector<io::IndexedRun> list() {
    warnings_.clear();
    return list_runs(runs_.path(), {[&](LogLevel, const std::string& line) { warnings_.push_back(line); }});
  }

  std::vector<std::string> folders() {
    std::vector<std::string> found;
    for (const auto& run : list()) found.push_back(run.folder);
    return found;
  }

  TemporaryFolder runs_;
  std::vector<std::string> warnings_;
};

TEST_F(RunListTest, FindsRunsOfSweepsTooButNeitherHiddenOnesNorLinks) {
  put_run("a");
  put_run("mix/cell 1");
  put_run("mix/.removed-1");
  put_run("a/checkpoints/inner");
  put_run("1/2/3/4/too-deep");
  runs_.put("notes/readme.txt", "no run");
  const TemporaryFolder elsewhere;
  elsewhere.put("run/resolved.toml", "name = \"x\"");
  std::filesystem::create_directory_symlink(elsewhere / "run", runs_ / "link");
  EXPECT_EQ(find_runs(runs_.path()), (std::vector<std::string>{"a", "mix/cell 1"}));
  EXPECT_TRUE(find_runs("/nowhere").empty());
  EXPECT_EQ(folder_within(runs_.path(), runs_ / "mix/../mix/cell 1/"), "mix/cell 1");
  for (const char* other : {"link", "", "mix", "..", "nothing", "a/checkpoints/inner", "1/2/3/4/too-deep"})
    EXPECT_EQ(folder_within(runs_.path(), runs_ / other), "") << other;
}

TEST_F(RunListTest, SaysTheSameWithAndWithoutTheIndex) {
  put_run("a");
  put_run("b", "failed", "0.25");
  const auto first = list();
  EXPECT_TRUE(std::filesystem::exists(index_path(runs_.path())));
  const auto second = list();
  ASSERT_EQ(first.size(), 2U);
  ASSERT_EQ(second.size(), 2U);
  for (const auto& runs : {first, second}) {
    EXPECT_EQ(runs[1].id, run_id("b"));
    EXPECT_EQ(runs[1].state, "failed");
    EXPECT_EQ(runs[1].step, 10);
  }
  EXPECT_EQ(second[1].metrics.size(), 1U) << "the list of an index has the best metric only";
  EXPECT_EQ(second[1].metrics[0].best->value, 0.25);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(RunListTest, FollowsWhatHappensToTheFolders) {
  put_run("a");
  put_run("b");
  list();
  put_run("a", "failed", "0.75");
  std::filesystem::remove_all(runs_ / "b");
  put_run("c");
  for (int i = 0; i < 2; ++i) {
    const auto runs = list();
    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[0].state, "failed");
    EXPECT_EQ(runs[1].folder, "c");
  }
  io::RunIndex index(index_path(runs_.path()), io::Sqlite::Mode::kRead, 0);
  EXPECT_EQ(index.find("a")->metrics[0].last->value, 0.75);
  EXPECT_FALSE(index.find("b"));
  EXPECT_TRUE(index.find("c"));
}

TEST_F(RunListTest, ARunThatNobodyRunsIsLost) {
  put_run("a", "running");
  EXPECT_EQ(list()[0].state, "lost");
  const io::FolderLock lock(runs_ / "a");
  EXPECT_EQ(list()[0].state, "running");
}

TEST_F(RunListTest, ADamagedIndexIsOneWarning) {
  put_run("a");
  list();
  runs_.put("index.sqlite", std::string(5000, 'x'));
  EXPECT_EQ(folders(), std::vector<std::string>{"a"});
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].find("index.sqlite: is damaged"), std::string::npos);
  EXPECT_NE(warnings_[0].find("heterodyne runs reindex"), std::string::npos);
  EXPECT_EQ(reindex_runs(runs_.path(), {}), 1U);
  EXPECT_EQ(folders(), std::vector<std::string>{"a"});
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(RunListTest, ReindexingRestoresEverything) {
  put_run("a");
  put_run("mix/b");
  write_tags(runs_ / "a", {"good"});
  reindex_runs(runs_.path(), {});
  const auto all = [&] {
    io::RunIndex index(index_path(runs_.path()), io::Sqlite::Mode::kRead, 0);
    index.check();
    return std::pair(*index.find("a"), *index.find("mix/b"));
  };
  const auto [a, b] = all();
  EXPECT_EQ(a.tags, std::vector<std::string>{"good"});
  {
    io::RunIndex index(index_path(runs_.path()), io::Sqlite::Mode::kWrite, 0);
    index.remove("mix/b");
    auto wrong = a;
    wrong.state = "failed";
    wrong.tags = {};
    wrong.params = {};
    index.put(wrong);
    wrong.folder = "never there";
    index.put(wrong);
  }
  for (const bool is_deleted : {false, true}) {
    if (is_deleted) std::filesystem::remove(index_path(runs_.path()));
    EXPECT_EQ(reindex_runs(runs_.path(), {}), 2U);
    const auto [c, d] = all();
    EXPECT_EQ(std::tie(c.id, c.state, c.params, c.tags, c.stamp), std::tie(a.id, a.state, a.params, a.tags, a.stamp));
    EXPECT_EQ(d.metrics[0].points, b.metrics[0].points);
    EXPECT_EQ(io::RunIndex(index_path(runs_.path()), io::Sqlite::Mode::kRead, 0).list().size(), 2U);
  }
}

TEST_F(RunListTest, AnIndexInUseIsNotReplaced) {
  put_run("a");
  list();
  io::Sqlite holder(index_path(runs_.path()), io::Sqlite::Mode::kWrite, 0);
  holder.execute("BEGIN EXCLUSIVE");
  put_run("b");
  EXPECT_EQ(folders(), (std::vector<std::string>{"a", "b"})) << "whoever only looks does not mind";
  EXPECT_TRUE(std::filesystem::exists(index_path(runs_.path())));
}

TEST_F(RunListTest, WithoutAPlaceForAnIndexItStillLists) {
  put_run("a");
  std::filesystem::create_directory(index_path(runs_.path()));
  EXPECT_EQ(folders(), std::vector<std::string>{"a"});
  EXPECT_EQ(warnings_.size(), 1U);
  EXPECT_THROW(reindex_runs(runs_.path(), {}), DeviceError);
}

TEST_F(RunListTest, TagsAreWordsOnLinesOfAFile) {
  put_run("a");
  EXPECT_TRUE(read_tags(runs_ / "a").empty());
  write_tags(runs_ / "a", {"paper", "b<i>\"'&", "paper"});
  EXPECT_EQ(io::read_file(runs_ / "a/tags"), "b<i>\"'&\npaper\n");
  EXPECT_EQ(read_tags(runs_ / "a"), (std::vector<std::string>{"b<i>\"'&", "paper"}));
  for (const std::string& tag : {std::string(), std::string("-x"), std::string("a b"), std::string("a\nb"),
                                 std::string("\x1b[2J"), std::string("\xff"), std::string(65, 'x')})
    EXPECT_THROW(write_tags(runs_ / "a", {tag}), ConfigError) << tag;
}

}  // namespace
}  // namespace heterodyne::run_list_test
