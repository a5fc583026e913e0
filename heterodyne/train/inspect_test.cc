#include "heterodyne/train/inspect.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::inspect_test {
namespace {

TEST(Inspect, AFileIsDescribedByItsHeader) {
  const fixtures::TemporaryFolder folder;
  const std::string path = folder / "w.safetensors";
  io::write_safetensors(path, {{"a", torch::zeros({2, 3})},
                               {"b", torch::zeros({4}, torch::kInt64)},
                               {"c", torch::zeros({}, torch::kFloat32)},
                               {"d", torch::zeros({0, 5}, torch::kFloat32)}});
  const Inspection found = inspect(path);
  EXPECT_EQ(found.weights.num_values, 6 + 4 + 1 + 0);
  EXPECT_EQ(found.weights.num_bytes, std::filesystem::file_size(path));
  EXPECT_EQ(found.weights.dtypes(), (std::vector<std::string>{"int64", "float32"})) << "wide elements come first";
  EXPECT_EQ(found.weights.tensors.size(), 4U);
  EXPECT_FALSE(found.checkpoint || found.run);
}

class InspectRun : public testing::Test {
 protected:
  InspectRun() {
    folder.put("state", "done\npid 7\nheartbeat 1\n");
    for (const int64_t step : {6, 12}) {
      save_checkpoint(checkpoints.folder_of(step), *network, *optimizers().make(experiment.options.train.optimizer),
                      TrainState{step, 1, 0, step, 0, {}, {}, {}}, experiment);
    }
    checkpoints.settle(12, 6, 3);
  }

  Experiment experiment = fixtures::small_experiment();
  std::shared_ptr<Network> network = make_network(experiment);
  fixtures::TemporaryFolder folder;
  const CheckpointFolder checkpoints{folder / "checkpoints"};
};

TEST_F(InspectRun, ARunIsItsBestCheckpoint) {
  const Inspection found = inspect(folder.path());
  ASSERT_TRUE(found.checkpoint && found.run);
  EXPECT_EQ(found.run->state, "done");
  EXPECT_EQ(found.run->steps, (std::vector<int64_t>{6, 12}));
  EXPECT_EQ(found.checkpoint->step, 6);
  EXPECT_EQ(found.checkpoint->network, "dmmoe");
}

TEST_F(InspectRun, ACheckpointTellsItsExperts) {
  const Inspection found = inspect(checkpoints.folder_of(12));
  ASSERT_TRUE(found.checkpoint);
  EXPECT_FALSE(found.run);
  ASSERT_EQ(found.checkpoint->experts.size(), 4U);
  const std::vector<std::string> kinds = {"mlp", "conv1d", "vit_block", "lstm_cell"};
  for (size_t e = 0; e < 4; ++e) {
    EXPECT_EQ(found.checkpoint->experts[e].kind, kinds[e]);
    EXPECT_EQ(found.checkpoint->experts[e].id, static_cast<int64_t>(e));
    EXPECT_EQ(found.checkpoint->experts[e].layer, "layers.0");
  }
  // Width 16, hidden 24: two matrices and two biases.
  EXPECT_EQ(found.checkpoint->experts[0].num_values, 16 * 24 + 24 + 24 * 16 + 16);
}

TEST_F(InspectRun, DamageIsFoundWithItsPlace) {
  const std::string path = checkpoints.folder_of(12) + "/model.safetensors";
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size - 10);
  const auto message = fixtures::message_of<FormatError>([&] { inspect(checkpoints.folder_of(12)); });
  EXPECT_TRUE(message.starts_with(path + ": byte ")) << message;
}

TEST(Inspect, WhatIsNotThereIsRefused) {
  const fixtures::TemporaryFolder folder;
  EXPECT_EQ(fixtures::message_of<FormatError>([] { inspect("/nowhere"); }), "/nowhere: no such file or folder");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { inspect(folder.path()); }),
            folder.path() + ": is neither a run's folder with a checkpoint nor a checkpoint");
}

}  // namespace
}  // namespace heterodyne::inspect_test
