#include "heterodyne/train/phases.h"

#include <gtest/gtest.h>

#include "heterodyne/model/load.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne::phases_test {
namespace {

TEST(Phases, AreOneUnlessTheHeadLearnsFirst) {
  TrainOptions options;
  options.epochs = 2.5;
  options.freeze = {"a*"};
  auto phases = phases_of(options, 10, 0.5);
  ASSERT_EQ(phases.size(), 1U);
  EXPECT_EQ(phases[0].num_steps, 25);
  options.head.epochs = 1;
  options.head.lr = 0.25;
  phases = phases_of(options, 10, 0.5);
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].num_steps, 10);
  EXPECT_EQ(phases[0].lr, 0.25);
  EXPECT_EQ(phases[0].freeze, (std::vector<std::string>{"a*", "features.*"}));
  EXPECT_EQ(phases[1].first_step, 10);
  EXPECT_EQ(phases[1].lr, 0.5);
  EXPECT_EQ(phases[1].freeze, (std::vector<std::string>{"a*"}));
  for (const auto& [step, phase] : {std::pair(0, 0), {9, 0}, {10, 1}, {34, 1}, {99, 1}})
    EXPECT_EQ(phase_at(phases, step), static_cast<size_t>(phase)) << step;
}

// A residual network on the small images: 240 in batches of 40, six steps an epoch.
Experiment two_phases(const std::vector<std::string>& more = {}) {
  std::vector<std::string> settings = {"model={ kind = \"resnet\", blocks = [1, 1], channels = 4 }",
                                       "train.head={ epochs = 1, lr = 1e-2 }", "train.epochs=1",
                                       "train.schedule={ kind = \"constant\" }"};
  settings.insert(settings.end(), more.begin(), more.end());
  return fixtures::small_experiment(settings);
}

using State = std::vector<std::pair<std::string, torch::Tensor>>;
State copied(const Network& network) {
  State state = state_of(network);
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  return state;
}

struct Watch : Hook {
  Network* network = nullptr;
  std::vector<double> lr;
  std::vector<State> states;  // after each step
  void on_step(const StepReport& report) override {
    lr.push_back(report.lr);
    states.push_back(copied(*network));
  }
};

bool is_of_backbone(const std::string& name) { return name.starts_with("features."); }

TEST(TwoPhases, TheBackboneStaysToTheBitWhileTheHeadLearns) {
  const auto experiment = two_phases();
  const auto dataset = make_dataset(experiment, {}, {});
  const auto network = make_network(experiment);
  const auto optimizer = optimizers().make(experiment.options.train.optimizer);
  const State before = copied(*network);
  Watch watch;
  watch.network = network.get();
  Trainer trainer({experiment, *dataset, *network, *optimizer, {&watch}, nullptr, {}}, {});
  EXPECT_EQ(trainer.plan().num_steps, 12);
  EXPECT_EQ(trainer.plan().num_epochs, 2);
  EXPECT_EQ(trainer.run(), TrainEnd::kDone);
  ASSERT_EQ(watch.states.size(), 12U);
  for (size_t i = 0; i < before.size(); ++i) {
    const auto& [name, tensor] = before[i];
    // Averages of normalisations are buffers of the backbone: they stay too.
    EXPECT_EQ(torch::equal(watch.states[5][i].second, tensor), is_of_backbone(name))
        << name << " after the first phase";
    EXPECT_FALSE(torch::equal(watch.states[11][i].second, tensor)) << name << " after the second";
  }
  EXPECT_EQ(watch.lr[5], 1e-2);
  EXPECT_EQ(watch.lr[6], 2e-3);
}

TEST(TwoPhases, ARunThatIsResumedInEitherGivesTheSameBits) {
  const auto experiment = two_phases({"train.schedule={ kind = \"cosine\" }"});
  const auto dataset = make_dataset(experiment, {}, {});
  const auto run = [&](const std::vector<int64_t>& stops) {
    auto network = make_network(experiment);
    auto optimizer = optimizers().make(experiment.options.train.optimizer);
    TrainState state;
    for (const int64_t stop : stops) {
      Trainer trainer({experiment,
                       *dataset,
                       *network,
                       *optimizer,
                       {},
                       nullptr,
                       [&, n = state.step]() mutable { return ++n >= stop; }},
                      state);
      trainer.run();
      state = trainer.state();
      // What a checkpoint would hold goes into a network and an optimizer that know nothing.
      const State saved = copied(*network), moments = optimizer->state();
      network = make_network(experiment);
      optimizer = optimizers().make(experiment.options.train.optimizer);
      optimizer->load_state(parameters_of(*network), moments, "memory");
      const torch::NoGradGuard no_grad;
      const auto places = state_of(*network);
      for (size_t i = 0; i < places.size(); ++i) places[i].second.copy_(saved[i].second);
    }
    return copied(*network);
  };
  const State whole = run({12});
  for (const int64_t stop : {3, 6, 9}) {
    const State broken = run({stop, 12});
    for (size_t i = 0; i < whole.size(); ++i)
      EXPECT_TRUE(torch::equal(broken[i].second, whole[i].second)) << whole[i].first << ", stopped at " << stop;
  }
}

TEST(TwoPhases, FrozenParametersHaveNoGradientAndNoMoments) {
  const auto experiment = two_phases({"train.freeze=[\"features.conv0.*\"]", "train.head={ epochs = 0 }"});
  const auto dataset = make_dataset(experiment, {}, {});
  const auto network = make_network(experiment);
  const auto optimizer = optimizers().make(experiment.options.train.optimizer);
  Trainer trainer({experiment, *dataset, *network, *optimizer, {}, nullptr, {}}, {});
  trainer.run();
  for (const auto& [name, tensor] : optimizer->state()) EXPECT_FALSE(name.starts_with("features.conv0")) << name;
  EXPECT_FALSE(network->named_parameters()["features.conv0.weight"].grad().defined());
}

TEST(TwoPhases, PatternsThatFitNothingAreRefusedBeforeAnythingStarts) {
  EXPECT_THROW(make_network(two_phases({"train.freeze=[\"features.cnv*\"]"})), ConfigError);
  EXPECT_THROW(make_network(two_phases({"train.head.freeze=[\"backbone.*\"]"})), ConfigError);
  EXPECT_THROW(two_phases({"train.head={ lr = 1.0 }"}), ConfigError) << "without effect";
}

}  // namespace
}  // namespace heterodyne::phases_test
