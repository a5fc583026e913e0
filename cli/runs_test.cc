#include "cli/runs.h"

#include <gtest/gtest.h>

#include <chrono>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::runs_test {
namespace {

struct RunsTest : testing::Test {
  FoundRun find(const std::string& word) {
    const Environment environment{{}, folder / "runs", "", ""};
    Terminal terminal({});
    return find_run(word, {environment, terminal});
  }
  void put(const std::string& path, const std::string& name) const {
    folder.put(path + "/resolved.toml", "name = \"" + name + "\"\n");
  }
  fixtures::TemporaryFolder folder;
};

TEST_F(RunsTest, ARunIsFoundByPathIdAndName) {
  put("runs/mix/a", "first");
  for (const auto& word : {folder / "runs/mix/a", std::string("mix/a"), std::string("first"), run_id("mix/a"),
                           run_id("mix/a").substr(0, 4)}) {
    EXPECT_EQ(find(word).folder, "mix/a") << word;
  }
  put("elsewhere", "second");
  EXPECT_EQ(find(folder / "elsewhere").path, folder / "elsewhere");
  EXPECT_EQ(find(folder / "elsewhere").folder, "");
}

TEST_F(RunsTest, WhatIsNotFoundOrNotOneIsAnError) {
  put("runs/a", "same");
  put("runs/b", "same");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { find("same"); }),
            "same: 2 runs match: a (" + run_id("a") + "), b (" + run_id("b") + ")");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { find("smae"); }),
            "smae: no run of that path, name or id; nearest: \"same\". All runs: heterodyne runs ls");
  EXPECT_THROW(find(run_id("a").substr(0, 3)), FormatError) << "too short for an id";
  EXPECT_THROW(find(""), ConfigError);
}

TEST(RunRows, ShowFoldersOnlyWhereTheyDiffer) {
  io::IndexedRun run;
  run.folder = run.name = "a";
  run.best_metric = "valid.loss";
  run.metrics = {{"valid.loss", {}, io::MetricPoint{3, 0.5}, {}, {}, {}}};
  run.tags = {"x", "y"};
  const Rows rows = run_rows({run}, "table");
  EXPECT_EQ(rows.columns, (std::vector<std::string>{"id", "name", "state", "age", "steps", "metric", "best", "tags"}));
  EXPECT_EQ(rows.rows[0][6], Value(0.5));
  EXPECT_EQ(rows.rows[0][7], Value("x y"));
  EXPECT_EQ(run_rows({run}, "json").columns.back(), "folder");
  run.folder = "mix/a";
  EXPECT_EQ(run_rows({run}, "table").rows[0].back(), Value("mix/a"));
}

TEST(AgeText, IsInTheLargestUnit) {
  const auto ago = [](int64_t seconds) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return age_text(std::chrono::duration_cast<std::chrono::seconds>(now).count() - seconds);
  };
  EXPECT_EQ(age_text(0), "-");
  EXPECT_EQ(ago(-100), "0s");
  EXPECT_EQ(ago(150), "2m");
  EXPECT_EQ(ago(3 * 3600 + 5), "3h");
  EXPECT_EQ(ago(50 * 3600), "2d");
}

}  // namespace
}  // namespace heterodyne::cli::runs_test
