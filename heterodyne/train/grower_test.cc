// The promises of grower.h, kept by every kind, and each kind's own decisions.
#include "heterodyne/train/grower.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne::grower_test {
namespace {

// What makes each kind change something in a run of twelve steps.
std::vector<std::string> settings_of(const std::string& kind) {
  std::string settings;
  if (kind == "top_any_window") settings = ",start=1,length=2,period=4";
  if (kind == "by_load") settings = ",period=3,overloaded=1.05,starved=0.9";
  if (kind == "by_loss") settings = ",least_yield=1e-6";
  if (kind == "periodic") settings = ",period=3,add=2,remove=1,start=1";
  std::vector<std::string> all{R"(train.grower={kind=")" + kind + "\"" + settings + "}",
                               "train.average={decay=0.9,validate=true}"};
  // With two experts and noisy images a quarter of the tokens get none at first.
  if (kind == "top_any_window")
    all.insert(all.end(), {R"(model.moe.experts=[{kind="mlp",hidden=24,count=2}])", "data.noise=8"});
  return all;
}

struct FolderKeeper : Keeper {
  const Experiment& experiment;
  std::string folder;
  explicit FolderKeeper(const Experiment& what, std::string where) : experiment(what), folder(std::move(where)) {}
  void save(Network& network, Optimizer& optimizer, const TrainState& state) override {
    save_checkpoint(CheckpointFolder(folder).folder_of(state.step), network, optimizer, state, experiment);
  }
  std::optional<int64_t> last_step() const override { return {}; }
};

struct Diary : Hook {
  std::vector<std::string> lines;
  int64_t num_events = 0;
  void on_log(const LogReport& report) override {
    Table values = report.values;
    values.erase("examples_per_s");
    lines.push_back(write_value(Value(values)));
    for (const auto& load : report.loads) EXPECT_EQ(load.id_E.size(), load.counts.count_E.size());
  }
  void on_validation(const ValidationReport& report) override {
    lines.push_back(write_value(Value(report.evaluation.table())));
  }
  void on_growth(const GrowthReport& report) override {
    for (const auto& event : report.events) lines.push_back(write_value(Value(event_line(event, report.step))));
    num_events += static_cast<int64_t>(report.events.size());
  }
};

struct Training {
  Experiment experiment;
  std::unique_ptr<Dataset> dataset;
  std::shared_ptr<Network> network;
  std::shared_ptr<Optimizer> optimizer;
  TrainState state;
  Diary diary;

  explicit Training(const std::vector<std::string>& settings)
      : experiment(fixtures::growing_experiment(settings)),
        dataset(make_dataset(experiment, {}, {})),
        network(make_network(experiment)),
        optimizer(optimizers().make(experiment.options.train.optimizer)) {}

  void load(const std::string& folder) {
    const auto checkpoint = read_checkpoint(folder);
    load_checkpoint(checkpoint, *network, optimizer.get());
    state = checkpoint.state;
  }

  TrainEnd go(const std::string& folder, int64_t stop_after = -1) {
    FolderKeeper keeper(experiment, folder);
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

  // Everything that a run ends with.
  std::map<std::string, torch::Tensor> values() const {
    std::map<std::string, torch::Tensor> all(state.growth.begin(), state.growth.end());
    for (const auto& [name, value] : state_of(*network)) all["model " + name] = value;
    for (const auto& [name, value] : optimizer->state()) all["optimizer " + name] = value;
    for (const auto& [name, value] : state.averages) all["average " + name] = value;
    return all;
  }
};

class GrowerContract : public testing::TestWithParam<std::string> {
 protected:
  const fixtures::TemporaryFolder folder;
};
INSTANTIATE_TEST_SUITE_P(Kinds, GrowerContract, testing::ValuesIn(growers().names()),
                         [](const auto& test) { return test.param; });

// Stopped amid a window, at a decision, just after one, and beside a validation. Returns the unbroken run.
Training expect_exact_resumption(const std::vector<std::string>& settings, const fixtures::TemporaryFolder& folder) {
  Training unbroken(settings);
  unbroken.go(folder / "unbroken");
  const auto expected = unbroken.values();
  for (const int64_t stop : {2, 3, 6, 10}) {
    const std::string where = folder / std::to_string(stop);
    Training first(settings);
    EXPECT_EQ(first.go(where, stop), TrainEnd::kInterrupted);
    Training second(settings);
    second.load(CheckpointFolder(where).folder_of(stop));
    second.diary.lines = first.diary.lines;
    EXPECT_EQ(second.go(where), TrainEnd::kDone);
    EXPECT_EQ(second.diary.lines, unbroken.diary.lines) << "stopped after " << stop;
    const auto found = second.values();
    EXPECT_EQ(found.size(), expected.size()) << "stopped after " << stop;
    for (const auto& [name, value] : expected) {
      EXPECT_TRUE(found.contains(name) && torch::equal(value, found.at(name))) << name << ' ' << stop;
    }
  }
  return unbroken;
}

TEST_P(GrowerContract, ARunThatIsBrokenAndResumedEndsInTheSameBits) {
  const auto unbroken = expect_exact_resumption(settings_of(GetParam()), folder);
  EXPECT_EQ(unbroken.diary.num_events > 0, GetParam() != "none");
}

// Newcomers to experts that are frozen are frozen, whether the run was broken after they came or not.
TEST_P(GrowerContract, NewcomersKeepToWhatIsFrozen) {
  auto settings = settings_of(GetParam());
  settings.insert(settings.end(), {R"(train.freeze=["layers.0.experts.*"])", "train.optimizer.weight_decay=0.1"});
  const auto run = expect_exact_resumption(settings, folder);
  for (const auto& slot : run.network->moe_layers()[0]->slots()) {
    for (const auto& parameter : slot.expert->named_parameters()) {
      const std::string key = "layers.0.experts." + std::to_string(slot.id) + "." + parameter.key();
      EXPECT_TRUE(torch::equal(parameter.value(), run.state.averages.at(key))) << key << " never moved";
    }
  }
}

TEST_P(GrowerContract, TheAveragesThatWereValidatedAreTheModel) {
  Training run(settings_of(GetParam()));
  run.go(folder.path());
  const auto checkpoint = read_checkpoint(CheckpointFolder(folder.path()).folder_of(12));
  const auto used = make_network(run.experiment);
  load_checkpoint(checkpoint, *used, nullptr);
  for (const auto& [name, value] : parameters_of(*used))
    EXPECT_TRUE(torch::equal(value, run.state.averages[name])) << name;
}

// A grower for this network, fed with sums that are made up.
class Fed {
 public:
  explicit Fed(const std::string& grower, const std::vector<std::string>& settings = {}, int64_t num_steps = 100)
      : experiment_(fixtures::growing_experiment(with(grower, settings))),
        network_(make_network(experiment_)),
        optimizer_(optimizers().make(experiment_.options.train.optimizer)),
        grower_(growers().make(experiment_.options.train.grower, GrowerContext{*network_, num_steps, num_steps / 10})) {
  }

  // What comes of one more step.
  std::vector<GrowthEvent> step(std::vector<double> load_E, double unrouted = 0, const torch::Tensor& sum_D = {}) {
    const auto number = [](double value) { return torch::tensor(value, torch::kFloat64); };
    const auto load = torch::tensor(load_E, torch::kFloat64);
    const std::vector<Sums> sums{{{"assignments_E", load},
                                  {"tokens", number(40)},
                                  {"unrouted", number(unrouted)},
                                  {"unrouted_sum_D", sum_D.defined() ? sum_D : torch::zeros({16}, torch::kFloat64)}}};
    Pool pool({*network_, *optimizer_, averages_, 1}, grower_->pool_options());
    grower_->after_step({++step_, sums}, memory_, pool);
    return pool.events();
  }
  void validate(double loss) { grower_->after_validation(loss, memory_); }

  MoeLayer& layer() { return *network_->moe_layers()[0]; }
  std::vector<int64_t> ids() { return layer().ids(); }
  const Sums& memory() const { return memory_; }

 private:
  static std::vector<std::string> with(const std::string& grower, std::vector<std::string> settings) {
    settings.push_back("train.grower=" + grower);
    return settings;
  }

  Experiment experiment_;
  std::shared_ptr<Network> network_;
  std::shared_ptr<Optimizer> optimizer_;
  std::shared_ptr<Grower> grower_;
  Sums memory_, averages_;
  int64_t step_ = 0;
};

// "remove 5 (0 assignments in 2 steps)" of each.
std::vector<std::string> told(const std::vector<GrowthEvent>& events) {
  std::vector<std::string> all;
  for (const auto& event : events)
    all.push_back(event.event + " " + std::to_string(event.id) + " (" + event.reason + ")");
  return all;
}

using Told = std::vector<std::string>;

std::string window(const std::string& more = "") {
  return R"({kind="top_any_window",start=0,length=2,period=3)" + more + "}";
}

TEST(TopAnyWindow, DropsWhatNobodyUsedInTheWholeWindow) {
  Fed fed(window());
  EXPECT_TRUE(fed.step({5, 0, 7, 0}).empty());
  EXPECT_EQ(told(fed.step({5, 0, 7, 1})), (Told{"remove 1 (0 assignments in 2 steps)"}));
  EXPECT_EQ(fed.ids(), (std::vector<int64_t>{0, 2, 3}));
  EXPECT_TRUE(fed.memory().empty()) << "the next window begins anew";
  EXPECT_TRUE(fed.step({0, 0, 0}).empty()) << "between two windows";
  EXPECT_TRUE(fed.step({1, 1, 0}).empty());
  EXPECT_EQ(told(fed.step({1, 1, 0})), (Told{"remove 3 (0 assignments in 2 steps)"}));
}

TEST(TopAnyWindow, AddsOneForTokensWithoutExpertLikeTheNearest) {
  Fed fed(window());
  const auto direction_ED = fed.layer().router().embeddings().detach().to(torch::kFloat64).clone();
  const auto one_D = direction_ED[2] * 3 - direction_ED[0];
  fed.step({5, 5, 5, 5}, 1200, one_D);
  const auto events = fed.step({5, 5, 5, 5}, 4, one_D);
  EXPECT_EQ(told(events), (Told{"add 4 (from 1,204 unrouted tokens)"}));
  EXPECT_EQ(events[0].parents, std::vector<int64_t>{2});
  const auto found_D = fed.layer().router().embeddings().detach()[4].to(torch::kFloat64);
  EXPECT_TRUE(torch::allclose(found_D, one_D / one_D.norm(), 1e-5, 1e-6));
  EXPECT_EQ(fed.layer().router().named_parameters()["threshold"][4].item<double>(), 0);
}

TEST(TopAnyWindow, DropsBeforeItAdds) {
  Fed fed(window(",max_experts=4"));
  const auto sum_D = torch::ones({16}, torch::kFloat64);
  fed.step({5, 0, 5, 5}, 3, sum_D);
  EXPECT_EQ(told(fed.step({5, 0, 5, 5})),
            (Told{"remove 1 (0 assignments in 2 steps)", "add 4 (from 3 unrouted tokens)"}));
  fed.step({1, 1, 1, 1});
  fed.step({1, 1, 1, 1}, 3, sum_D);
  EXPECT_TRUE(fed.step({1, 1, 1, 1}).empty()) << "the pool is full";
}

TEST(TopAnyWindow, ALayerIsNeverWithoutExperts) {
  Fed fed(window());
  fed.step({0, 0, 0, 0}, 80, torch::ones({16}, torch::kFloat64));
  fed.step({0, 0, 0, 0});
  EXPECT_EQ(fed.ids(), std::vector<int64_t>{4}) << "the one that was added for all tokens";
  Fed idle(window());
  idle.step({0, 0, 0, 0});
  idle.step({0, 0, 0, 0});
  EXPECT_EQ(idle.ids(), std::vector<int64_t>{3}) << "no token came at all";
  Fed full(window(",max_experts=4"));
  full.step({0, 0, 0, 0}, 80, torch::ones({16}, torch::kFloat64));
  full.step({0, 0, 0, 0});
  EXPECT_EQ(full.ids(), (std::vector<int64_t>{3, 4})) << "where there was no room before one went";
}

TEST(TopAnyWindow, TokensWhoseSumIsNothingPointNowhere) {
  Fed fed(window());
  fed.step({5, 5, 5, 5}, 2, torch::zeros({16}, torch::kFloat64));
  EXPECT_TRUE(fed.step({5, 5, 5, 5}).empty());
  fed.step({5, 5, 5, 5});
  fed.step({5, 5, 5, 5}, 2, torch::full({16}, NAN, torch::kFloat64));
  EXPECT_TRUE(fed.step({5, 5, 5, 5}).empty());
}

TEST(TopAnyWindow, NoWindowEndsAfterTheLastStepOfGrowth) {
  Fed fed(window(",stop=4"));
  fed.step({5, 0, 5, 5});
  EXPECT_EQ(fed.step({5, 0, 5, 5}).size(), 1U);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(fed.step({0, 5, 5}).empty());
  EXPECT_TRUE(fed.memory().empty());
}

// Without the place of the setting at fault.
std::string refusal(const std::string& grower, const std::vector<std::string>& settings = {}) {
  const auto message = fixtures::message_of<ConfigError>([&] { Fed(grower, settings); });
  return message.substr(std::min(message.find("[train.grower]"), message.size()));
}

const std::string kTopK = R"(model.moe.router={kind="top_k",k=3})", kNoBalancers = "model.moe.balancers=[]";

TEST(Growers, RefuseWhatCannotWork) {
  EXPECT_EQ(refusal(window(",max_experts=3")),
            "[train.grower] max_experts: expected at least the 4 experts that layers.0 has, got 3");
  EXPECT_EQ(refusal(window(",min_experts=5")),
            "[train.grower] min_experts: expected at most the 4 experts that layers.0 has, got 5");
  EXPECT_EQ(refusal(R"({kind="top_any_window",start=90,length=20,period=30})"),
            "[train.grower] length: expected the first window to end by step 100, the run's last, got start = 90, "
            "length = 20");
  EXPECT_EQ(refusal(R"({kind="top_any_window",length=20,period=10})"),
            "[train.grower] length: expected at most period = 10, got 20");
  EXPECT_EQ(refusal(R"({kind="periodic",period=50,stop=40})"),
            "[train.grower] period: expected the first period to end by step 40, where growth stops, got start = 0, "
            "period = 50");
  EXPECT_EQ(refusal(R"({kind="periodic",period=5,add=0})"),
            "[train.grower] add: expected at least 1 while remove = 0; or kind = \"none\"");
  EXPECT_EQ(refusal(window(), {kTopK, kNoBalancers}),
            "[train.grower] kind: expected routers that say which tokens they leave without expert, as \"top_any\" "
            "does, got router \"top_k\" in layers.0");
  EXPECT_EQ(refusal(R"({kind="by_load",period=5})", {R"(model.moe.router={kind="hierarchical"})", kNoBalancers}),
            "[train.grower] kind: expected routers whose experts can come and go, got router \"hierarchical\" in "
            "layers.0");
  EXPECT_EQ(
      refusal(R"({kind="by_load",period=5})", {R"(model.moe.router={kind="sigmoid_bias",groups=2})", kNoBalancers}),
      "[train.grower] kind: expected routers that can do with one expert more or less, got router "
      "\"sigmoid_bias\" in layers.0: [router.sigmoid_bias] groups: expected a divisor of num_experts = 3, got 2");
  EXPECT_EQ(refusal(R"({kind="by_load",period=5})", {R"(model.moe.router={kind="residual"})", "model.layers=2",
                                                     "model.moe.layers=[0,1]", kNoBalancers}),
            "[train.grower] kind: expected routers whose layers can have different numbers of experts, got router "
            "\"residual\" in layers.1, which reads the scores of the layer before");
  EXPECT_EQ(refusal(R"({kind="by_loss",validations=11})"),
            "[train.grower] validations: expected at most 10, the validations of the run that a step follows (see "
            "data.validation and train.epochs), got 11");
  EXPECT_NE(refusal(R"({kind="by_load",period=5,max_params=10})").find("[train.grower] max_params: expected at least "),
            std::string::npos);
}

// In two steps a fair share is 100: expert 1 has 2.2 of them, expert 3 has 0.04.
TEST(ByLoad, SplitsTheOverloadedAndDropsTheStarved) {
  Fed fed(R"({kind="by_load",period=2,overloaded=2,starved=0.05})");
  EXPECT_TRUE(fed.step({80, 110, 8, 2}).empty());
  const auto events = fed.step({80, 110, 8, 2});
  EXPECT_EQ(told(events), (Told{"remove 3 (4.0 % of its fair share in 2 steps)",
                                "split 4 (expert 1 (2.20 times its fair share in 2 steps))"}));
  EXPECT_EQ(fed.ids(), (std::vector<int64_t>{0, 1, 2, 4}));
}

TEST(ByLoad, KeepsAsManyExpertsAsTheRouterChooses) {
  Fed fed(R"({kind="by_load",period=1,starved=0.5})", {kTopK, kNoBalancers});
  EXPECT_EQ(fed.step({100, 100, 0, 0}).size(), 1U) << "three of four";
  EXPECT_EQ(fed.ids(), (std::vector<int64_t>{0, 1, 3}));
}

TEST(ByLoad, NothingSeenNothingDone) {
  Fed fed(R"({kind="by_load",period=1})");
  EXPECT_TRUE(fed.step({0, 0, 0, 0}).empty());
}

TEST(Periodic, DropsTheIdlestAndSplitsTheBusiest) {
  Fed fed(R"({kind="periodic",start=1,period=2,add=2,remove=1,stop=4})");
  fed.step({100, 0, 0, 0});
  EXPECT_TRUE(fed.step({3, 9, 4, 8}).empty());
  EXPECT_EQ(told(fed.step({3, 9, 4, 8})),
            (Told{"remove 0 (6 assignments in 2 steps)", "split 4 (expert 1 (18 assignments in 2 steps))",
                  "split 5 (expert 3 (16 assignments in 2 steps))"}));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(fed.step({1, 2, 3, 4, 5}).empty()) << "growth has stopped";
}

// The first growth adds an eighth to a quarter of the parameters; a loss that falls by half pays, one that stays does
// not.
TEST(ByLoss, GrowsWhileItPays) {
  Fed fed(R"({kind="by_loss",least_yield=0.5})");
  EXPECT_TRUE(fed.step({1, 2, 9, 3}).empty());
  fed.validate(2);
  const auto first = fed.step({1, 2, 9, 3});
  EXPECT_EQ(told(first), (Told{"split 4 (expert 2, the busiest, at validation loss 2)"}));
  EXPECT_TRUE(fed.step({1, 2, 9, 3, 1}).empty()) << "not before the next validation";
  fed.validate(1);
  EXPECT_EQ(fed.step({1, 2, 1, 3, 9}).size(), 1U);
  fed.validate(1);
  EXPECT_TRUE(fed.step({1, 1, 1, 1, 1, 1}).empty());
  fed.validate(0.1);
  EXPECT_TRUE(fed.step({1, 1, 1, 1, 1, 1}).empty()) << "it is over";
}

TEST(ByLoss, WithoutRoomItIsOver) {
  Fed fed(R"({kind="by_loss",max_experts=4})");
  fed.validate(2);
  EXPECT_TRUE(fed.step({1, 2, 9, 3}).empty());
  EXPECT_TRUE(fed.memory().contains("is_over"));
}

TEST(Growers, AMemoryOfOtherExpertsIsRefused) {
  Fed fed(window());
  fed.step({5, 0, 7, 0});
  EXPECT_EQ(fixtures::message_of<Error>([&] { fed.step({5, 0, 7}); }),
            "[layers.0] assignments_E: expected 4 values as remembered, got 3");
}

}  // namespace
}  // namespace heterodyne::grower_test
