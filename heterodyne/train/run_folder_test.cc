#include "heterodyne/train/run_folder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::run_folder_test {
namespace {

class RunFolderTest : public testing::Test {
 protected:
  // Saves a checkpoint at each of the steps.
  void save(const RunFolder& run, const std::vector<int64_t>& steps, std::optional<Best> best = {}) {
    RunKeeper keeper(run, experiment, log);
    for (const int64_t step : steps) {
      TrainState state;
      state.step = step;
      state.best = best;
      keeper.save(*network, *optimizer, state);
    }
  }

  // -1 when there is no checkpoint.
  int64_t newest_step(const RunFolder& run) const {
    const auto newest = newest_checkpoint(run.path(), log);
    return newest ? newest->state.step : -1;
  }

  Experiment experiment = fixtures::small_experiment();
  std::shared_ptr<Network> network = make_network(experiment);
  std::shared_ptr<Optimizer> optimizer = optimizers().make(experiment.options.train.optimizer);
  fixtures::TemporaryFolder folder;
  const std::string path = folder / "run";
  std::vector<std::string> warnings;
  Log log{[this](LogLevel level, const std::string& line) {
    if (level == LogLevel::kWarning) warnings.push_back(line);
  }};
};

TEST_F(RunFolderTest, ANewFolderHoldsItsConfiguration) {
  const auto run = RunFolder::create(path, experiment);
  EXPECT_EQ(read_experiment(run.config()).resolved, experiment.resolved);
  run.write_state("running");
  EXPECT_TRUE(io::read_file(run.file("state")).starts_with("running\npid "));
}

TEST_F(RunFolderTest, AnExistingFolderIsNotUsedAgain) {
  folder.put("run/notes.txt", "mine");
  const auto refusal = [&] { return fixtures::message_of<ConfigError>([&] { RunFolder::create(path, experiment); }); };
  const std::string exists = path + ": expected a new folder, it exists. ",
                    others = "Another folder: --out DIR. Another name: --set name=NAME";
  EXPECT_EQ(refusal(), exists + others);
  EXPECT_EQ(io::list_folder(path), (std::vector<std::string>{"notes.txt"}));
  folder.put("run/resolved.toml", "");
  EXPECT_EQ(refusal(), exists + "Go on with it: heterodyne train --resume " + path + ". " + others);
}

TEST_F(RunFolderTest, AnEmptyFolderIsFine) {
  std::filesystem::create_directories(path);
  EXPECT_NO_THROW(RunFolder::create(path, experiment));
}

TEST_F(RunFolderTest, AFolderThatCannotBeMadeIsNamed) {
  const auto file = folder.put("file", "x");
  EXPECT_NE(fixtures::message_of<DeviceError>([&] {
              RunFolder::create(file + "/run", experiment);
            }).find("/file/run: cannot be made: Not a directory"),
            std::string::npos);
}

TEST_F(RunFolderTest, OneProcessAtATime) {
  const auto run = RunFolder::create(path, experiment);
  EXPECT_NE(fixtures::message_of<DeviceError>([&] {
              RunFolder::open(path);
            }).find("in use by process " + std::to_string(::getpid())),
            std::string::npos);
}

TEST_F(RunFolderTest, WhatIsNoRunIsNamed) {
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { RunFolder::open(folder / "nowhere"); }),
            folder / "nowhere" + ": no such run");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { RunFolder::open(folder.path()); }),
            folder.path() + ": is not a run's folder: it has no resolved.toml");
}

TEST_F(RunFolderTest, ADamagedCheckpointIsPassedOverWithAWarning) {
  const auto run = RunFolder::create(path, experiment);
  EXPECT_FALSE(newest_checkpoint(run.path(), log).has_value());
  save(run, {10, 20});
  EXPECT_EQ(newest_step(run), 20);
  std::filesystem::resize_file(run.checkpoints().folder_of(20) + "/model.safetensors", 100);
  EXPECT_EQ(newest_step(run), 10);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("going back to an older checkpoint"), std::string::npos);
}

// A limit on the size of files stands for a full disk: the write fails, the process lives on.
TEST_F(RunFolderTest, AFullDiskWarnsAndKeepsWhatThereIs) {
  const auto run = RunFolder::create(path, experiment);
  save(run, {10});
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  save(run, {20});
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("step 20: no checkpoint: ")) << warnings[0];
  EXPECT_NE(warnings[0].find("The run goes on; the last one is of step 10"), std::string::npos) << warnings[0];
  EXPECT_EQ(newest_step(run), 10);
  EXPECT_EQ(run.checkpoints().steps(), (std::vector<int64_t>{10}));
}

TEST_F(RunFolderTest, AModelIsTheBestCheckpointOfARun) {
  const auto run = RunFolder::create(path, experiment);
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              find_checkpoint(path, log);
            }).find("neither a run's folder with a checkpoint nor a checkpoint"),
            std::string::npos);
  save(run, {10});
  EXPECT_EQ(find_checkpoint(path, log), run.checkpoints().folder_of(10)) << "without a best, the newest";
  save(run, {20}, Best{0.5, 10});
  EXPECT_EQ(find_checkpoint(path, log), run.checkpoints().folder_of(10));
  EXPECT_EQ(find_checkpoint(run.checkpoints().folder_of(20), log), run.checkpoints().folder_of(20));
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { find_checkpoint(folder / "nowhere", log); }),
            folder / "nowhere" + ": no such run or checkpoint. All runs and their folders: heterodyne runs ls");
  EXPECT_TRUE(warnings.empty());
  std::filesystem::remove_all(run.checkpoints().folder_of(10));
  EXPECT_EQ(find_checkpoint(path, log), run.checkpoints().folder_of(20));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("the best checkpoint is missing; the newest stands in for it"), std::string::npos);
}

TEST_F(RunFolderTest, NothingBeginsAgainWhereEveryCheckpointIsDamaged) {
  const auto run = RunFolder::create(path, experiment);
  save(run, {10});
  std::filesystem::resize_file(run.checkpoints().folder_of(10) + "/model.safetensors", 100);
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              newest_checkpoint(run.path(), log);
            }).find("/checkpoints: none of the 1 checkpoints can be used"),
            std::string::npos);
}

TEST_F(RunFolderTest, WhatAKilledProcessLeftIsClearedAway) {
  std::filesystem::create_directories(path);
  io::write_file(path + "/.lock", "99");
  io::write_file(path + "/resolved.toml.tmp-99-0", "name =");
  {
    RunFolder::create(path, experiment);
  }
  EXPECT_FALSE(std::filesystem::exists(path + "/resolved.toml.tmp-99-0"));
  io::write_file(path + "/notes.tmpl", "mine");
  io::write_file(path + "/notes.tmp", "mine");
  std::filesystem::create_directories(path + "/checkpoints/step-00000010.tmp");
  io::write_file(path + "/checkpoints/LAST.tmp-99-0", "1");
  RunFolder::open(path);
  EXPECT_TRUE(std::filesystem::is_empty(path + "/checkpoints"));
  EXPECT_TRUE(std::filesystem::exists(path + "/notes.tmpl") && std::filesystem::exists(path + "/notes.tmp"));
}

TEST_F(RunFolderTest, AFolderWithSomebodysFileIsNotNew) {
  const auto file = folder.put("notes.tmpl", "mine");
  fixtures::message_of<ConfigError>([&] { RunFolder::create(folder.path(), experiment); });
  EXPECT_EQ(io::read_file(file), "mine");
}

}  // namespace
}  // namespace heterodyne::run_folder_test
