#include "heterodyne/train/load_model.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::load_model_test {
namespace {

// A network whose values are not those that its configuration draws, saved.
std::shared_ptr<Network> save_changed(const Experiment& experiment, const std::string& path) {
  auto network = make_network(experiment);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.mul_(1.5);
  const auto optimizer = optimizers().make(experiment.options.train.optimizer);
  save_checkpoint(path, *network, *optimizer, TrainState{7, 1, 1, 7, 0, {}, {}, {}}, experiment);
  network->eval();
  return network;
}

TEST(LoadModel, AnswersAsTheNetworkThatWasSaved) {
  const fixtures::TemporaryFolder folder;
  const auto experiment = fixtures::small_experiment();
  const auto saved = save_changed(experiment, folder / "step-00000007");
  const auto model = load_model(folder / "step-00000007");
  EXPECT_FALSE(model.network->is_training());
  EXPECT_EQ(model.checkpoint.state.step, 7);
  EXPECT_EQ(model.experiment.resolved, experiment.resolved);
  const Batch batch = make_dataset(experiment, {}, {})->get(Split::kTrain, torch::arange(10));
  EXPECT_TRUE(torch::equal(model.network->forward(batch, nullptr).logit_BY, saved->forward(batch, nullptr).logit_BY));
}

TEST(LoadModel, KindsOfAnotherProgramMustBeBrought) {
  const fixtures::TemporaryFolder folder;
  RouterRegistry mine = routers();
  mine.add("mine", routers().find("round_robin"));
  const auto families = Families().with(mine);
  Table config = fixtures::small_experiment().resolved;
  set_from_text(config, "model.moe.router={ kind = \"mine\" }");
  save_changed(read_experiment(config, families), folder / "step-00000007");
  EXPECT_EQ(load_model(folder / "step-00000007", families).network->moe_layers()[0]->router().max_choices(), 2);
  const auto message = fixtures::message_of<ConfigError>([&] { load_model(folder / "step-00000007"); });
  EXPECT_NE(message.find("got \"mine\""), std::string::npos) << message;
}

TEST(LoadModel, AnyOtherFolderIsRefused) {
  const fixtures::TemporaryFolder folder;
  EXPECT_THROW(load_model(folder / "nothing"), FormatError);
}

}  // namespace
}  // namespace heterodyne::load_model_test
