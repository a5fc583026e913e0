#include "heterodyne/train/file_check.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/tensorboard.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::file_check_test {
namespace {

// A run's folder with two checkpoints, made without training.
class FileCheckTest : public testing::Test {
 protected:
  FileCheckTest() {
    const auto experiment = fixtures::small_experiment();
    const auto network = make_network(experiment);
    const auto optimizer = optimizers().make(experiment.options.train.optimizer);
    folder.put("resolved.toml", write_toml(experiment.resolved, true));
    folder.put("environment.json", "{\"version\": \"0.1.0\"}\n");
    folder.put("metrics.jsonl", "{\"step\":4,\"kind\":\"train\"}\n{\"step\":6,\"kind\":\"valid\"}\n");
    folder.put("events.out.tfevents.1700000000.host.7", io::tfrecord(io::version_event(0)));
    for (const int64_t step : {6, 12}) {
      save_checkpoint(checkpoints.folder_of(step), *network, *optimizer, TrainState{step, 1, 0, step, 0, {}, {}, {}},
                      experiment);
    }
    checkpoints.settle(12, 6, 3);
  }

  std::string at(const std::string& name) const { return folder / name; }
  void damage(const std::string& name, size_t byte) const {
    std::string bytes = io::read_file(at(name));
    bytes.at(byte) = static_cast<char>(bytes.at(byte) ^ 1);
    folder.put(name, bytes);
  }
  std::string only_problem() const {
    const FileCheck check = check_files(folder.path());
    EXPECT_EQ(check.num_files, 14) << "four of the run, LAST, BEST and twice four of a checkpoint";
    EXPECT_EQ(check.problems.size(), 1U);
    return check.problems.empty() ? "" : check.problems[0];
  }

  fixtures::TemporaryFolder folder;
  const CheckpointFolder checkpoints{folder / "checkpoints"};
};

TEST_F(FileCheckTest, WhatReportsReadIsLookedAtToo) {
  folder.put("state", "done\npid 7\nheartbeat 8\n");
  folder.put("routing.safetensors", "garbage");
  folder.put("experts.jsonl", "{\"step\":4,\n");
  const FileCheck check = check_files(folder.path() + "/");
  EXPECT_EQ(check.num_files, 17);
  ASSERT_EQ(check.problems.size(), 2U);
  EXPECT_NE(check.problems[0].find("experts.jsonl"), std::string::npos) << check.problems[0];
  EXPECT_NE(check.problems[1].find("routing.safetensors"), std::string::npos) << check.problems[1];
}

TEST_F(FileCheckTest, ARunThatIsDoneHasCheckpoints) {
  folder.put("state", "done\n");
  std::filesystem::remove_all(at("checkpoints"));
  const FileCheck check = check_files(folder.path());
  EXPECT_EQ(check.problems,
            (std::vector<std::string>{at("checkpoints") + ": expected checkpoints of a run that is done, found none"}));
}

TEST_F(FileCheckTest, ASoundRunHasNoProblems) {
  const FileCheck check = check_files(folder.path());
  EXPECT_EQ(check.num_files, 14);
  EXPECT_EQ(check.problems, std::vector<std::string>());
  EXPECT_EQ(check_files(checkpoints.folder_of(6)).num_files, 4);
  EXPECT_EQ(check_files(checkpoints.folder_of(6) + "/model.safetensors").num_files, 1);
}

TEST_F(FileCheckTest, AFlippedBitOfAnyCheckpointIsFound) {
  damage("checkpoints/step-00000006/optimizer.safetensors", 4);
  EXPECT_NE(only_problem().find("step-00000006/optimizer.safetensors: its SHA-256 differs"), std::string::npos);
}

TEST_F(FileCheckTest, ACutCheckpointIsFound) {
  const std::string path = at("checkpoints/step-00000012/model.safetensors");
  std::filesystem::resize_file(path, 1000);
  EXPECT_NE(only_problem().find("step-00000012/model.safetensors: expected "), std::string::npos);
}

TEST_F(FileCheckTest, DamagedMetricsAreFoundWithTheirPlace) {
  folder.put("metrics.jsonl", "{\"step\":4}\n{\"step\":");
  EXPECT_EQ(only_problem(), at("metrics.jsonl") + ": byte 11: the last line is cut short");
  folder.put("metrics.jsonl", "{\"step\":4}\n{\"step\":3}\n");
  EXPECT_EQ(only_problem(), at("metrics.jsonl") + ": byte 11: step 3 comes after step 4");
  folder.put("metrics.jsonl", "{\"step\":4}\n{\"step\" 5}\n");
  EXPECT_TRUE(only_problem().starts_with(at("metrics.jsonl") + ": byte 19: ")) << only_problem();
}

TEST_F(FileCheckTest, ADamagedEventFileIsFound) {
  damage("events.out.tfevents.1700000000.host.7", 20);
  EXPECT_NE(only_problem().find(": byte 0: the record's checks differ"), std::string::npos);
}

TEST_F(FileCheckTest, AConfigurationThatDoesNotReadIsFound) {
  folder.put("resolved.toml", "[model");
  EXPECT_NE(only_problem().find("resolved.toml"), std::string::npos);
}

TEST_F(FileCheckTest, ANameWithoutItsCheckpointIsFound) {
  std::filesystem::remove_all(checkpoints.folder_of(6));
  const FileCheck check = check_files(folder.path());
  EXPECT_EQ(check.problems, std::vector<std::string>{at("checkpoints/BEST") + ": names no checkpoint that is there"});
}

TEST_F(FileCheckTest, WhatIsNoneOfTheseIsRefused) {
  const fixtures::TemporaryFolder empty;
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { check_files(empty.path()); }),
            empty.path() + ": is no run's folder, no checkpoint and no safetensors file");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { check_files("/nowhere"); }), "/nowhere: no such file or folder");
}

}  // namespace
}  // namespace heterodyne::file_check_test
