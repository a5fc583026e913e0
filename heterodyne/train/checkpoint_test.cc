#include "heterodyne/train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/io/sha256.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/growth/averages.h"
#include "heterodyne/train/step.h"

namespace heterodyne::checkpoint_test {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() { step(); }

  void step() {
    Batch batch = dataset->get(Split::kTrain, torch::arange(40));
    batch.random = {1, 1};
    train_step(*network, *optimizer, {{batch}, 0.01, 0});
  }
  void save(const std::string& where) {
    save_checkpoint(where, *network, *optimizer, TrainState{7, 1, 1, 7, 0, {}, {}, {}}, experiment);
  }
  std::string complaint(const std::string& where) {
    return fixtures::message_of<FormatError>([&] { read_checkpoint(where); });
  }

  Experiment experiment = fixtures::small_experiment();
  std::unique_ptr<Dataset> dataset = make_dataset(experiment, {}, {});
  std::shared_ptr<Network> network = make_network(experiment);
  std::shared_ptr<Optimizer> optimizer = optimizers().make(experiment.options.train.optimizer);
  fixtures::TemporaryFolder folder;
  const std::string path = folder / "step-00000007";
};

TEST_F(CheckpointTest, EverythingComesBack) {
  save(path);
  const auto checkpoint = read_checkpoint(path);
  EXPECT_EQ(checkpoint.state.step, 7);
  EXPECT_EQ(read_experiment(checkpoint.config).resolved, experiment.resolved);
  const auto other = make_network(fixtures::small_experiment({"seed=9"}));
  const auto other_optimizer = optimizers().make(experiment.options.train.optimizer);
  load_checkpoint(checkpoint, *other, other_optimizer.get());
  const auto expected = state_of(*network), got = state_of(*other);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(torch::equal(expected[i].second, got[i].second)) << expected[i].first;
  const auto moments = optimizer->state(), got_moments = other_optimizer->state();
  ASSERT_EQ(moments.size(), got_moments.size());
  for (size_t i = 0; i < moments.size(); ++i)
    EXPECT_TRUE(torch::equal(moments[i].second, got_moments[i].second)) << moments[i].first;
}

TEST_F(CheckpointTest, ValuesAreThoseThatANetworkIsGiven) {
  Sums averages;
  update_averages(averages, *network, 0.5, 1);
  step();
  for (const bool is_averaged : {false, true}) {
    experiment = fixtures::small_experiment(
        {"train.average.decay=0.5", is_averaged ? "train.average.validate=true" : "train.average.validate=false"});
    TrainState state;
    state.averages = averages;
    save_checkpoint(path, *network, *optimizer, state, experiment);
    const auto checkpoint = read_checkpoint(path);
    const auto other = make_network(experiment);
    load_checkpoint(checkpoint, *other, nullptr);
    std::map<std::string, torch::Tensor> got;
    for (const auto& [name, tensor] : values_of(checkpoint)) got[name] = tensor;
    const auto expected = state_of(*other);
    EXPECT_EQ(got.size(), expected.size());
    for (const auto& [name, tensor] : expected) EXPECT_TRUE(torch::equal(got.at(name), tensor)) << name;
    EXPECT_EQ(torch::equal(expected[0].second, state_of(*network)[0].second), !is_averaged);
  }
}

// Weights as they were published: 256 x 256 values of 8 binary digits.
TEST_F(CheckpointTest, ValuesOfHalfTheLengthAreKeptSo) {
  experiment = fixtures::small_experiment({"model.moe.experts.0.hidden=8192"});
  network = make_network(experiment);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->parameters()) parameter.copy_(parameter.to(torch::kBFloat16));
  }
  optimizer = optimizers().make(experiment.options.train.optimizer);
  save_checkpoint(path, *network, *optimizer, {}, experiment);
  const auto expected = state_of(*network);
  int64_t bytes = 0, num_short = 0;
  for (const auto& [name, tensor] : expected) bytes += static_cast<int64_t>(tensor.nbytes());
  const io::SafetensorsFile file(path + "/model.safetensors");
  for (const auto& name : file.names()) num_short += file.info(name).dtype == torch::kBFloat16;
  EXPECT_GT(num_short, 0);
  EXPECT_LT(std::filesystem::file_size(path + "/model.safetensors"), 0.6 * static_cast<double>(bytes));
  const auto other = make_network(experiment);
  load_checkpoint(read_checkpoint(path), *other, nullptr);
  const auto got = state_of(*other);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(torch::equal(expected[i].second, got[i].second)) << expected[i].first;
}

TEST_F(CheckpointTest, AResizedNetworkComesBackResized) {
  MoeLayer& layer = *network->moe_layers()[0];
  optimizer->remap(layer.layer_name(), remove_expert(layer, 1).changes);
  optimizer->remap(layer.layer_name(), add_expert(layer, {.group = 0, .copy_of = {}}).changes);
  step();
  NamedParameters parameters;
  for (const auto& p : network->named_parameters()) parameters.emplace_back(p.key(), p.value());
  optimizer->keep_only(parameters);
  save(path);
  const auto other = make_network(experiment);
  const auto other_optimizer = optimizers().make(experiment.options.train.optimizer);
  load_checkpoint(read_checkpoint(path), *other, other_optimizer.get());
  EXPECT_EQ(other->moe_layers()[0]->ids(), layer.ids());
  const Batch batch = dataset->get(Split::kTrain, torch::arange(10));
  network->eval();
  other->eval();
  EXPECT_TRUE(torch::equal(network->forward(batch, nullptr).logit_BY, other->forward(batch, nullptr).logit_BY));
}

TEST_F(CheckpointTest, IsThereWholeOrNotAtAll) {
  // A file where the temporary folder's parent should be: nothing can be made.
  const auto file = folder.put("file", "x");
  EXPECT_THROW(save(file + "/step-00000007"), DeviceError);
  EXPECT_EQ(io::list_folder(folder.path()), (std::vector<std::string>{"file"}));
  save(path);
  EXPECT_EQ(io::list_folder(path),
            (std::vector<std::string>{"manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"}));
  save(path);
  EXPECT_NO_THROW(verify_checkpoint(path)) << "saving again replaces it";
}

TEST_F(CheckpointTest, DamageIsNamed) {
  save(path);
  const std::string model = path + "/model.safetensors";
  const std::string bytes = io::read_file(model);
  io::write_file(model, bytes.substr(0, bytes.size() - 100));
  EXPECT_NE(complaint(path).find("model.safetensors: expected "), std::string::npos) << complaint(path);
  std::string flipped = bytes;
  flipped[bytes.size() / 2] = static_cast<char>(flipped[bytes.size() / 2] ^ 1);
  io::write_file(model, flipped);
  EXPECT_EQ(complaint(path), model + ": its SHA-256 differs from manifest.json; the checkpoint is damaged");
  std::filesystem::remove(model);
  EXPECT_NE(complaint(path).find("model.safetensors: cannot be read: No such file"), std::string::npos);
  std::filesystem::remove(path + "/manifest.json");
  EXPECT_NE(complaint(path).find("manifest.json: cannot be read"), std::string::npos);
}

TEST_F(CheckpointTest, ANewerFormatIsRefused) {
  save(path);
  const std::string manifest = path + "/manifest.json";
  Table table = io::parse_json_table(io::read_file(manifest), manifest);
  table.set("format", kCheckpointFormat + 1);
  io::write_file(manifest, io::write_json(table));
  EXPECT_EQ(complaint(path), manifest + ": format: expected at most 1, got 2; it was written by a newer heterodyne");
}

TEST_F(CheckpointTest, AnotherNetworksCheckpointIsRefused) {
  save(path);
  const auto wider = make_network(fixtures::small_experiment({"model.width=32"}));
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              load_checkpoint(read_checkpoint(path), *wider, nullptr);
            }).find("it belongs to another network"),
            std::string::npos);
}

TEST_F(CheckpointTest, AFolderKeepsTheNewestAndTheBest) {
  const CheckpointFolder checkpoints(folder.path());
  EXPECT_FALSE(checkpoints.last().has_value());
  for (const int64_t step : {10, 20, 30, 40}) save(checkpoints.folder_of(step));
  std::filesystem::create_directories(checkpoints.folder_of(35));  // no manifest: an interrupted copy
  checkpoints.settle(40, 10, 2);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 30, 40}));
  EXPECT_EQ(checkpoints.last(), 40);
  EXPECT_EQ(checkpoints.best(), 10);
  checkpoints.settle(30, 10, 2);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 30})) << "step 40 was given up";
}

TEST_F(CheckpointTest, ABestThatCouldNotBeSavedDoesNotCostTheOneBefore) {
  const CheckpointFolder checkpoints(folder.path());
  for (const int64_t step : {10, 20}) save(checkpoints.folder_of(step));
  checkpoints.settle(20, 10, 1);
  save(checkpoints.folder_of(40));
  checkpoints.settle(40, 30, 1);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 40}));
  EXPECT_EQ(checkpoints.best(), 10);
  checkpoints.name(10, 40);
  EXPECT_EQ(checkpoints.last(), 10);
  EXPECT_EQ(checkpoints.best(), 40);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 40})) << "names alone";
}

TEST_F(CheckpointTest, APointerToNowhereIsNoCheckpoint) {
  const CheckpointFolder checkpoints(folder.path());
  folder.put("LAST", "12\n");
  folder.put("BEST", "what?\n");
  EXPECT_FALSE(checkpoints.last().has_value());
  EXPECT_FALSE(checkpoints.best().has_value());
}

}  // namespace
}  // namespace heterodyne::checkpoint_test
