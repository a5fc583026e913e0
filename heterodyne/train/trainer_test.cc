#include "heterodyne/train/trainer.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::trainer_test {
namespace {

using Values = std::vector<std::pair<std::string, torch::Tensor>>;

Values copy_of(const Values& values) {
  Values copies;
  for (const auto& [name, tensor] : values) copies.emplace_back(name, tensor.clone());
  return copies;
}

// Keeps checkpoints in memory.
struct MemoryKeeper : Keeper {
  struct Saved {
    Values network, optimizer;
    TrainState state;
  };
  std::vector<Saved> all;

  void save(Network& network, Optimizer& optimizer, const TrainState& state) override {
    const CaughtUp caught_up(optimizer);
    all.push_back({copy_of(state_of(network)), copy_of(optimizer.state()), state});
  }
  std::optional<int64_t> last_step() const override {
    return all.empty() ? std::nullopt : std::optional(all.back().state.step);
  }
};

// Writes down what happened, times left out.
struct Diary : Hook {
  std::vector<std::string> lines;
  void on_log(const LogReport& report) override {
    Table values = report.values;
    values.erase("examples_per_s");
    lines.push_back(write_value(Value(values)));
  }
  void on_validation(const ValidationReport& report) override {
    lines.push_back(std::to_string(report.step) + write_value(Value(report.evaluation.table())));
  }
};

// Everything a run consists of.
struct Training {
  Experiment experiment;
  std::unique_ptr<Dataset> dataset;
  std::shared_ptr<Network> network;
  std::shared_ptr<Optimizer> optimizer;
  MemoryKeeper keeper;
  Diary diary;
  TrainState state;
  int64_t stop_after = -1;

  explicit Training(const std::vector<std::string>& settings = {})
      : experiment(fixtures::small_experiment(settings)),
        dataset(make_dataset(experiment, {}, {})),
        network(make_network(experiment)),
        optimizer(optimizers().make(experiment.options.train.optimizer)) {}

  // Takes over what another run saved.
  void load(const MemoryKeeper::Saved& saved) {
    const torch::NoGradGuard no_grad;
    const auto places = state_of(*network);
    for (size_t i = 0; i < places.size(); ++i) places[i].second.copy_(saved.network[i].second);
    NamedParameters parameters;
    for (const auto& p : network->named_parameters()) parameters.emplace_back(p.key(), p.value());
    optimizer->load_state(parameters, saved.optimizer, "memory");
    state = saved.state;
  }

  TrainEnd go() {
    int64_t steps = 0;
    Trainer trainer({experiment,
                     *dataset,
                     *network,
                     *optimizer,
                     {&diary},
                     &keeper,
                     [&] { return stop_after >= 0 && ++steps >= stop_after; }},
                    state);
    const TrainEnd end = trainer.run();
    state = trainer.state();
    return end;
  }
};

void expect_equal(const Values& a, const Values& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;
}

TEST(Trainer, RunsItsEpochsAndLearns) {
  Training run({"train.epochs=10", "train.optimizer.lr=5e-3", "data.noise=1"});
  EXPECT_EQ(run.go(), TrainEnd::kDone);
  EXPECT_EQ(run.state.step, 60) << "240 images in batches of 40, ten times";
  EXPECT_EQ(run.state.epoch, 10);
  ASSERT_TRUE(run.state.best.has_value());
  EXPECT_GT(run.state.best->value, 0.8) << "three classes, a third by chance";
}

std::vector<std::string> frozen_settings() {
  return {R"(train.freeze=["layers.0.experts.*"])", "train.frozen_dtype=bf16", "train.optimizer.lr=5e-3"};
}

TEST(Trainer, WhatIsFrozenMayTakeHalfOfTheMemory) {
  Training run(frozen_settings());
  const auto before = copy_of(state_of(*run.network));
  run.go();
  const auto after = state_of(*run.network);
  int64_t num_short = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    const auto& [name, tensor] = after[i];
    const bool is_short = tensor.scalar_type() == torch::kBFloat16;
    num_short += is_short;
    const auto expected = is_short ? before[i].second.to(torch::kBFloat16) : tensor;
    EXPECT_TRUE(torch::equal(tensor, expected)) << name << " does not learn";
    const bool may_learn = name.find("experts") == std::string::npos;
    EXPECT_FALSE(may_learn && is_short) << name;
  }
  EXPECT_GE(num_short, 6) << "of an MLP and a transformer block";
  EXPECT_FALSE(torch::equal(after[0].second, before[0].second)) << after[0].first << " learns";

  Training first(frozen_settings()), second(frozen_settings());
  first.stop_after = 5;
  EXPECT_EQ(first.go(), TrainEnd::kInterrupted);
  second.load(first.keeper.all.back());
  second.go();
  expect_equal(state_of(*second.network), after);
  expect_equal(second.optimizer->state(), run.optimizer->state());
}

TEST(Trainer, WhatIsFrozenInHalfOfTheMemoryStaysFrozen) {
  for (const char* setting : {R"(train.head={epochs=1,freeze=["stem.*"]})", "train.average.decay=0.9",
                              R"(train.grower={kind="periodic",period=2})", "train.dtype=float64"}) {
    auto settings = frozen_settings();
    settings.emplace_back(setting);
    const auto message = fixtures::message_of<ConfigError>([&] { Training run(settings); });
    EXPECT_NE(message.find("frozen_dtype: expected float32 beside "), std::string::npos) << setting << ": " << message;
  }
}

TEST(Trainer, WhatLearnsMayBeMultipliedAsBf16) {
  const std::vector<std::string> settings{"train.learning_dtype=bf16", "train.optimizer.lr=5e-3", "data.noise=1"};
  Training run(settings), plain({settings.begin() + 1, settings.end()}), first(settings), second(settings);
  EXPECT_EQ(run.go(), TrainEnd::kDone);
  ASSERT_TRUE(run.state.best.has_value());
  EXPECT_GT(run.state.best->value, 0.7) << "three classes, a third by chance";
  plain.go();
  const auto end = state_of(*run.network);
  int64_t num_different = 0;
  for (const auto& [name, tensor] : end) {
    EXPECT_TRUE(tensor.scalar_type() != torch::kBFloat16) << name << " is saved as it learns";
    num_different += !torch::equal(tensor.to(torch::kBFloat16).to(tensor.scalar_type()), tensor);
  }
  EXPECT_GT(num_different, 5) << "values in full precision take the steps";
  EXPECT_FALSE(torch::equal(end[0].second, state_of(*plain.network)[0].second)) << "products were rounded";

  first.stop_after = 9;
  EXPECT_EQ(first.go(), TrainEnd::kInterrupted);
  second.load(first.keeper.all.back());
  second.go();
  expect_equal(state_of(*second.network), end);
}

// A layer of which some experts are rounded and others not would be refused.
TEST(Trainer, NewcomersAreMultipliedAsBf16Too) {
  Training run({"train.learning_dtype=bf16", R"(model.moe.experts=[{kind="mlp",hidden=24,count=4}])",
                R"(train.grower={kind="periodic",period=5})"});
  EXPECT_EQ(run.go(), TrainEnd::kDone);
  EXPECT_GT(run.network->moe_layers()[0]->slots().size(), 4U);
}

TEST(Trainer, WhatLearnsInFloat64IsNotRounded) {
  EXPECT_EQ(
      fixtures::message_of<ConfigError>([] { Training run({"train.learning_dtype=bf16", "train.dtype=float64"}); }),
      "[train] learning_dtype: expected float32 beside dtype = \"float64\", got bf16");
}

TEST(Trainer, PartsOfAnEpochAreAllowed) {
  Training run({"train.epochs=0.5"});
  EXPECT_EQ(run.go(), TrainEnd::kDone);
  EXPECT_EQ(run.state.step, 3);
  EXPECT_EQ(run.keeper.all.back().state.step, 3) << "the end is saved";
}

// Twelve experts and six images in a batch: most experts wait most of the time.
std::vector<std::string> idle_settings(const std::string& idle_experts) {
  return {"data.batch=6",
          "data.examples=90",
          "data.test_examples=12",
          "train.dtype=float64",
          "train.optimizer.idle_experts=" + idle_experts,
          "train.optimizer.weight_decay=0.1",
          R"(model.moe.router={kind="top_k",k=1})",
          R"(model.moe.experts=[{kind="mlp",hidden=8,count=24},{kind="conv1d",channels=4,count=4}])"};
}

TEST(Trainer, ExpertsThatWereLeftBehindAreReadAsIfTheyHadNotBeen) {
  for (const auto& more : std::vector<std::vector<std::string>>{{}, {"train.average.decay=0.9"}}) {
    auto settings = idle_settings("step");
    settings.insert(settings.end(), more.begin(), more.end());
    Training plain(settings);
    settings[4] = "train.optimizer.idle_experts=replay";
    Training replayed(settings);
    plain.go();
    replayed.go();
    EXPECT_FALSE(replayed.optimizer->is_behind()) << "at the end of the run";
    const auto a = state_of(*plain.network), b = state_of(*replayed.network);
    for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i].second, b[i].second, 1e-9)) << a[i].first;
    ASSERT_EQ(plain.keeper.all.size(), replayed.keeper.all.size());
    for (size_t k = 0; k < plain.keeper.all.size(); ++k) {
      const auto &c = plain.keeper.all[k].network, &d = replayed.keeper.all[k].network;
      for (size_t i = 0; i < c.size(); ++i) EXPECT_TRUE(torch::allclose(c[i].second, d[i].second, 1e-9)) << c[i].first;
    }
    for (const auto& [name, average] : plain.state.averages)
      EXPECT_TRUE(torch::allclose(average, replayed.state.averages.at(name), 1e-9)) << name;
  }
}

TEST(Trainer, ARunThatIsBrokenWhileExpertsAreBehindGoesOnBitForBit) {
  Training whole(idle_settings("replay")), first(idle_settings("replay")), second(idle_settings("replay"));
  whole.go();
  first.stop_after = 7;
  EXPECT_EQ(first.go(), TrainEnd::kInterrupted);
  ASSERT_TRUE(first.optimizer->is_behind());
  second.load(first.keeper.all.back());
  EXPECT_TRUE(second.optimizer->is_behind());
  second.go();
  expect_equal(state_of(*whole.network), state_of(*second.network));
  expect_equal(whole.optimizer->state(), second.optimizer->state());
}

TEST(Trainer, TheSameRunTwiceGivesTheSameBits) {
  Training a, b;
  a.go();
  b.go();
  expect_equal(state_of(*a.network), state_of(*b.network));
  EXPECT_EQ(a.diary.lines, b.diary.lines);
}

// Stopped after each possible number of steps, in the middle of an epoch, of a log window, beside a validation.
TEST(Trainer, AResumedRunEndsInTheSameBits) {
  Training unbroken;
  unbroken.go();
  for (const int64_t stop : {1, 3, 5, 6, 7, 11}) {
    Training first;
    first.stop_after = stop;
    EXPECT_EQ(first.go(), TrainEnd::kInterrupted) << stop;
    EXPECT_EQ(first.state.step, stop);
    Training second;
    second.load(first.keeper.all.back());
    second.diary.lines = first.diary.lines;
    EXPECT_EQ(second.go(), TrainEnd::kDone);
    expect_equal(state_of(*second.network), state_of(*unbroken.network));
    expect_equal(second.optimizer->state(), unbroken.optimizer->state());
    EXPECT_EQ(second.diary.lines, unbroken.diary.lines) << "stopped after " << stop;
  }
}

TEST(Trainer, AccumulatesOverBatches) {
  Training run({"train.accumulate=4"});
  run.go();
  EXPECT_EQ(run.state.step, 4) << "six batches make a step of four and one of two, in each of two epochs";
  EXPECT_EQ(run.state.micro_step, 12);
}

TEST(Trainer, SavesWhenItIsDue) {
  const auto saved = [](const std::vector<std::string>& settings) {
    Training run(settings);
    run.go();
    std::vector<int64_t> steps;
    for (const auto& one : run.keeper.all) steps.push_back(one.state.step);
    return steps;
  };
  const auto every_four = saved({"train.checkpoint.every_steps=4", "train.checkpoint.every_epochs=0"});
  for (const int64_t step : {4, 8, 12})
    EXPECT_NE(std::find(every_four.begin(), every_four.end(), step), every_four.end());
  const auto every_epoch = saved({});
  EXPECT_EQ(every_epoch, (std::vector<int64_t>{6, 12}));
}

TEST(Trainer, EndsEarlyWithoutProgress) {
  // A learning rate of almost nothing never finds a second best.
  Training run(
      {"train.epochs=20", "train.optimizer.lr=1e-30", "train.optimizer.weight_decay=0", "train.early_stop.patience=3"});
  EXPECT_EQ(run.go(), TrainEnd::kEarlyStop);
  EXPECT_EQ(run.state.step, 4 * 6) << "the first validation is the best, three worse ones follow";
  Training again(
      {"train.epochs=20", "train.optimizer.lr=1e-30", "train.optimizer.weight_decay=0", "train.early_stop.patience=3"});
  again.load(run.keeper.all.back());
  EXPECT_EQ(again.go(), TrainEnd::kEarlyStop);
  EXPECT_EQ(again.state.step, 24) << "a run that has ended stays ended";
}

TEST(Trainer, TheBestByLossIsTheLowest) {
  Training run({"train.checkpoint.best=valid.loss", "train.epochs=4"});
  run.go();
  const auto best_of = [](const TrainState& state) { return state.best ? state.best->value : NAN; };
  for (const auto& saved : run.keeper.all) EXPECT_GE(best_of(saved.state), best_of(run.state));
}

TEST(Trainer, ARunGoesOnWithTheDataThatItBeganWith) {
  Training run({"train.epochs=1"});
  run.go();
  Training other({"train.epochs=2", "data.examples=400"});
  other.load(run.keeper.all.back());
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { other.go(); }),
            "data.synthetic: expected the 240 training examples that there were at step 6, got 319; a run goes on with "
            "the data it began with");
}

TEST(Trainer, WithoutAValidationSplitThereIsNoBest) {
  Training run({"data.validation=0"});
  EXPECT_EQ(run.go(), TrainEnd::kDone);
  EXPECT_FALSE(run.state.best.has_value());
}

TEST(Trainer, ALossThatIsNoNumberStopsTheRunWithTheLastCheckpoint) {
  Training run({"train.optimizer.lr=1e30", "train.schedule={kind=\"constant\"}", "train.checkpoint.every_steps=1"});
  const auto message = fixtures::message_of<Error>([&] { run.go(); });
  EXPECT_TRUE(message.starts_with("step ")) << message;
  // Which of them is met first is a question of the processor's products.
  const bool is_found = message.find("scores: expected numbers, got NaN") != std::string::npos ||
                        message.find("loss is NaN; first non-finite value: ") != std::string::npos;
  EXPECT_TRUE(is_found) << message;
  EXPECT_NE(message.find("Last good checkpoint: step "), std::string::npos) << message;
  EXPECT_NE(message.find("Next: a smaller train.optimizer.lr"), std::string::npos) << message;
}

TEST(Trainer, FewerExamplesThanABatchAreRefused) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { Training({"data.batch=1000"}).go(); }),
            "[data.synthetic] batch: expected at most the 240 training examples, got 1,000");
}

TEST(Trainer, ABatchOfOneTrains) {
  Training run({"data.batch=1", "train.epochs=0.02"});
  EXPECT_EQ(run.go(), TrainEnd::kDone);
}

}  // namespace
}  // namespace heterodyne::trainer_test
