#include "cli/sweep/run_state.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::run_state_test {
namespace {

SweepRun a_run() {
  SweepRequest request;
  request.configs = {"synthetic/dmmoe"};
  return plan_sweep(request).at(0);
}

TEST(RunState, IsReadFromTheFolder) {
  const fixtures::TemporaryFolder folder;
  const SweepRun run = a_run();
  EXPECT_EQ(progress_of(run, folder / "x").state, RunState::kNew);
  folder.put("x/state.tmp-17-0", "what a killed process leaves");
  EXPECT_EQ(progress_of(run, folder / "x").state, RunState::kNew);
  folder.put("x/resolved.toml", write_toml(run.experiment.resolved));
  for (const auto& [word, state] : {std::pair("running", RunState::kStopped),
                                    {"interrupted", RunState::kStopped},
                                    {"done", RunState::kDone},
                                    {"failed", RunState::kFailed}}) {
    folder.put("x/state", std::string(word) + "\npid 1\nheartbeat 1\n");
    EXPECT_EQ(progress_of(run, folder / "x").state, state) << word;
  }
  const io::FolderLock lock(folder / "x");
  EXPECT_EQ(progress_of(run, folder / "x").state, RunState::kBusy);
}

TEST(RunState, ARunOfOtherSettingsIsRefused) {
  const fixtures::TemporaryFolder folder;
  const SweepRun run = a_run();
  Table other = run.experiment.resolved;
  other.find("train")->if_table()->set("epochs", 99.0);
  folder.put("x/resolved.toml", write_toml(other));
  try {
    progress_of(run, folder / "x");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("train.epochs was 99.0, is "), std::string::npos) << error.what();
  }
  folder.put("y/notes.txt", "no run");
  EXPECT_THROW(progress_of(run, folder / "y"), ConfigError);
}

TEST(RunState, HowOftenARunSpeaksDoesNotMatter) {
  const fixtures::TemporaryFolder folder;
  const SweepRun run = a_run();
  Table other = run.experiment.resolved;
  other.find("train")->if_table()->set("log_every", 7);
  folder.put("x/resolved.toml", write_toml(other));
  EXPECT_EQ(progress_of(run, folder / "x").state, RunState::kStopped) << "no word of its state";
}

TEST(RunState, HasAWordForEach) {
  EXPECT_STREQ(state_word(RunState::kNew), "new");
  EXPECT_STREQ(state_word(RunState::kBusy), "busy");
}

}  // namespace
}  // namespace heterodyne::cli::run_state_test
