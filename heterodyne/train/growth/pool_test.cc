#include "heterodyne/train/growth/pool.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/growth/averages.h"
#include "heterodyne/train/step.h"

namespace heterodyne::pool_test {
namespace {

// A network in training, one step old, with averages.
class PoolTest : public testing::Test {
 protected:
  explicit PoolTest(const std::vector<std::string>& settings = {})
      : experiment(fixtures::growing_experiment(settings)) {
    step();
  }

  void step() {
    Batch batch = dataset->get(Split::kTrain, torch::arange(40));
    batch.random = {1, 1};
    train_step(*network, *optimizer, {{batch}, 0.01, 0});
    update_averages(averages, *network, 0.5, 1);
  }

  Pool pool(std::function<void()> before_first = {}) {
    return Pool({*network, *optimizer, averages, 1, std::move(before_first)}, options);
  }
  MoeLayer& layer() { return *network->moe_layers()[0]; }
  std::map<std::string, torch::Tensor> values_of(int64_t id) {
    std::map<std::string, torch::Tensor> values;
    const std::string prefix = "layers.0.experts." + std::to_string(id) + ".";
    for (const auto& [name, value] : parameters_of(*network)) {
      if (name.starts_with(prefix)) values[name.substr(prefix.size())] = value.detach();
    }
    return values;
  }
  torch::Tensor embeddings() { return layer().router().embeddings().detach(); }
  std::map<std::string, torch::Tensor> state() {
    const auto all = optimizer->state();
    return {all.begin(), all.end()};
  }
  int64_t num_bytes() {
    size_t bytes = 0;
    for (const auto& one : parameters_of(*network)) bytes += one.second.nbytes();
    for (const auto& one : optimizer->state()) bytes += one.second.nbytes();
    for (const auto& one : averages) bytes += one.second.nbytes();
    return static_cast<int64_t>(bytes);
  }

  Experiment experiment;
  std::unique_ptr<Dataset> dataset = make_dataset(experiment, {}, {});
  std::shared_ptr<Network> network = make_network(experiment);
  std::shared_ptr<Optimizer> optimizer = optimizers().make(experiment.options.train.optimizer);
  Sums averages;
  PoolOptions options;
};

bool same(const std::map<std::string, torch::Tensor>& a, const std::map<std::string, torch::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.first == other.first && torch::equal(one.second, other.second);
  });
}

TEST_F(PoolTest, ACopyBeginsAsItsParentAndGoesItsWay) {
  Pool grown = pool();
  const auto before_ED = embeddings().clone();
  const int64_t id = grown.add(layer(), {2, {}, 0.1, "expert 2"});
  EXPECT_EQ(id, 4);
  EXPECT_TRUE(same(values_of(4), values_of(2)));
  const auto apart_ED = embeddings();
  EXPECT_TRUE(torch::allclose((apart_ED[2] + apart_ED[4]) / 2, before_ED[2], 1e-5, 1e-6));
  const double distance = (apart_ED[4] - before_ED[2]).norm().item<double>();
  EXPECT_NEAR(distance, 0.1 * before_ED[2].norm().item<double>(), 1e-5);
  ASSERT_EQ(grown.events().size(), 1U);
  EXPECT_EQ(grown.events()[0].event, "split");
  EXPECT_EQ(grown.events()[0].parents, std::vector<int64_t>{2});
  EXPECT_EQ(grown.events()[0].num_experts, 5);
  EXPECT_EQ(grown.events()[0].kind, "mlp");
  step();
  EXPECT_FALSE(same(values_of(4), values_of(2)));
}

TEST_F(PoolTest, AnExpertForTokensPointsToThem) {
  Pool grown = pool();
  const auto toward_D = fixtures::normal("toward", {16}).to(torch::kFloat64) * 50;
  grown.add(layer(), {1, toward_D, 0, "from 7 unrouted tokens", "add"});
  EXPECT_TRUE(torch::allclose(embeddings()[4].to(torch::kFloat64), toward_D / toward_D.norm(), 1e-5, 1e-6));
  EXPECT_EQ(grown.events()[0].event, "add");
}

TEST_F(PoolTest, TheMeanIsThatOfTheGroup) {
  options.newcomer = "mean";
  pool().add(layer(), {0, {}, 0, ""});
  for (const auto& [name, value] : values_of(4)) {
    torch::Tensor sum = torch::zeros_like(value);
    for (const int64_t id : {0, 1, 2, 3}) sum += values_of(id)[name];
    EXPECT_TRUE(torch::allclose(value, sum / 4, 1e-5, 1e-7)) << name;
  }
}

TEST_F(PoolTest, NoiseIsAShareOfTheValuesOwnDeviation) {
  options.newcomer = "noisy_copy";
  options.noise = 0.25;
  pool().add(layer(), {3, {}, 0, ""});
  const auto difference = values_of(4)["up.weight"] - values_of(3)["up.weight"];
  const auto ratio = (difference.std() / values_of(3)["up.weight"].std()).item<double>();
  EXPECT_NEAR(ratio, 0.25, 0.05) << "of 384 values";
}

TEST_F(PoolTest, FreshWeightsAreThoseOfTheId) {
  options.newcomer = "fresh";
  Pool grown = pool();
  grown.add(layer(), {3, {}, 0, ""});
  EXPECT_TRUE(grown.events()[0].parents.empty());
  for (const int64_t id : {0, 1, 2, 3}) EXPECT_FALSE(same(values_of(4), values_of(id)));
}

TEST_F(PoolTest, MomentsAndAveragesFollow) {
  const std::string direction = "layers.0.router.direction";
  const auto moments_ED = state()[direction + ".exp_avg"].clone(),
             squares_ED = state()[direction + ".exp_avg_sq"].clone();
  const auto average_ED = averages[direction].clone();
  Pool grown = pool();
  grown.remove(layer(), 1, "");
  grown.add(layer(), {0, fixtures::normal("toward", {16}), 0, ""});
  const auto kept = torch::tensor({0, 2, 3}, torch::kInt64);
  const auto moments = state()[direction + ".exp_avg"], squares = state()[direction + ".exp_avg_sq"];
  EXPECT_TRUE(torch::equal(moments.narrow(0, 0, 3), moments_ED.index_select(0, kept)));
  EXPECT_EQ(moments[3].abs().max().item<double>(), 0);
  EXPECT_TRUE(torch::allclose(squares[3], squares_ED.index_select(0, kept).mean(0)));
  EXPECT_TRUE(torch::equal(averages[direction].narrow(0, 0, 3), average_ED.index_select(0, kept)));
  EXPECT_TRUE(torch::equal(averages[direction][3], embeddings()[3])) << "begins as the weights are";
  for (const auto& [name, value] : state()) EXPECT_EQ(name.find("experts.1."), std::string::npos) << name;
  std::vector<std::string> averaged, known;
  for (const auto& one : averages) averaged.push_back(one.first);
  for (const auto& one : parameters_of(*network)) known.push_back(one.first);
  std::sort(known.begin(), known.end());
  EXPECT_EQ(averaged, known);
  step();
}

// A router whose matrix "before" has experts on both axes: entries of one that was removed go, those of a new one begin
// as the weights are.
class ResidualPoolTest : public PoolTest {
 protected:
  ResidualPoolTest() : PoolTest({R"(model.moe.router={kind="residual"})", "model.moe.balancers=[]"}) {}
};

TEST_F(ResidualPoolTest, AveragesFollowOnBothAxes) {
  const std::string name = "layers.0.router.before.weight";
  const auto before_EE = averages[name].clone();
  Pool grown = pool();
  grown.remove(layer(), 1, "");
  grown.add(layer(), {0, {}, 0.1, ""});
  const auto kept = torch::tensor({0, 2, 3}, torch::kInt64);
  const auto after_EE = averages[name], weight_EE = layer().router().named_parameters()["before.weight"].detach();
  ASSERT_EQ(after_EE.sizes(), (std::vector<int64_t>{4, 4}));
  EXPECT_TRUE(
      torch::equal(after_EE.narrow(0, 0, 3).narrow(1, 0, 3), before_EE.index_select(0, kept).index_select(1, kept)));
  EXPECT_TRUE(torch::equal(after_EE[3], weight_EE[3]));
  EXPECT_TRUE(torch::equal(after_EE.select(1, 3), weight_EE.select(1, 3)));
  step();
}

TEST_F(PoolTest, OneIsMadeOfTwo) {
  step();  // so that averages are no longer the weights
  Pool merged = pool();
  const auto moments = state()["layers.0.experts.1.up.weight.exp_avg"].clone();
  merged.merge(layer(), 1, 3, "alike");
  EXPECT_EQ(layer().ids(), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_TRUE(torch::equal(state()["layers.0.experts.1.up.weight.exp_avg"], moments));
  EXPECT_TRUE(torch::equal(averages["layers.0.experts.1.up.weight"], values_of(1)["up.weight"]));
  EXPECT_TRUE(torch::equal(averages["layers.0.router.direction"][1], embeddings()[1])) << "it is asked for both";
  EXPECT_FALSE(torch::equal(averages["layers.0.router.direction"][0], embeddings()[0])) << "others are as before";
  EXPECT_EQ(merged.events()[0].event, "merge");
  EXPECT_EQ(merged.events()[0].parents, (std::vector<int64_t>{1, 3}));
  step();
}

// An expert has 16 x 24 + 24 + 24 x 16 + 16 values, its entries in the router 17; each is there with two moments and an
// average, and each of its tensors with a count of steps.
TEST_F(PoolTest, MemoryFallsWhenExpertsGo) {
  const int64_t before = num_bytes();
  Pool shrunk = pool();
  shrunk.remove(layer(), 0, "");
  shrunk.remove(layer(), 2, "");
  const int64_t values = 2 * (2 * 16 * 24 + 24 + 16 + 17);
  EXPECT_EQ(before - num_bytes(), 4 * 4 * values + 4 * 2 * 4);
}

TEST_F(PoolTest, ExpertsThatAreNotNamedAreNotCopied) {
  std::map<std::string, const void*> places;
  for (const int64_t id : {0, 2, 3}) {
    for (const auto& [name, value] : values_of(id)) places[std::to_string(id) + name] = value.const_data_ptr();
  }
  Pool changed = pool();
  changed.remove(layer(), 1, "");
  changed.add(layer(), {0, {}, 0.1, ""});
  for (const int64_t id : {0, 2, 3}) {
    for (const auto& [name, value] : values_of(id))
      EXPECT_EQ(places[std::to_string(id) + name], value.const_data_ptr());
  }
}

TEST_F(PoolTest, KeepsItsLimits) {
  EXPECT_TRUE(pool().has_room(layer(), 0));
  EXPECT_TRUE(pool().can_spare(layer(), 0));
  options.max_experts = options.min_experts = 4;
  EXPECT_FALSE(pool().has_room(layer(), 0));
  EXPECT_FALSE(pool().can_spare(layer(), 0));
  options = {};
  const int64_t one_more = num_params(*network) + 2 * 16 * 24 + 24 + 16 + 17;
  options.max_params = one_more;
  EXPECT_TRUE(pool().has_room(layer(), 0));
  options.max_params = one_more - 1;
  EXPECT_FALSE(pool().has_room(layer(), 0));
  options.max_params = one_more;
  pool().add(layer(), {0, {}, 0, ""});
  EXPECT_EQ(num_params(*network), one_more);
}

// Expert 2 answers nothing: it may go, and one of the others, but not both.
class NullExpertsPoolTest : public PoolTest {
 protected:
  NullExpertsPoolTest()
      : PoolTest({R"(model.moe.router={kind="null_experts",k=1})", "model.moe.balancers=[]",
                  R"(model.moe.experts=[{kind="mlp",hidden=24,count=2},{kind="zero"}])"}) {}
};

TEST_F(NullExpertsPoolTest, TheRouterSaysWhoCanBeSpared) {
  Pool shrunk = pool();
  EXPECT_TRUE(shrunk.can_spare(layer(), 0));
  EXPECT_TRUE(shrunk.can_spare(layer(), 2));
  shrunk.remove(layer(), 0, "");
  EXPECT_FALSE(shrunk.can_spare(layer(), 1)) << "the last that answers";
  EXPECT_TRUE(shrunk.can_spare(layer(), 2));
  EXPECT_THROW(shrunk.remove(layer(), 1, ""), ConfigError);
  EXPECT_EQ(layer().router().num_experts(), 2);
  step();
}

// Two groups of two: no number of experts beside four will do.
class GroupsPoolTest : public PoolTest {
 protected:
  GroupsPoolTest() : PoolTest({R"(model.moe.router={kind="sigmoid_bias",k=2,groups=2})", "model.moe.balancers=[]"}) {}
};

TEST_F(GroupsPoolTest, TheRouterSaysWhetherThereIsRoom) {
  EXPECT_FALSE(pool().has_room(layer(), 0));
  EXPECT_FALSE(pool().can_spare(layer(), 0));
}

TEST_F(PoolTest, TellsBeforeTheFirstChangeAlone) {
  int64_t told = 0, experts = 0;
  Pool changed = pool([&] {
    ++told;
    experts = layer().num_experts();
  });
  EXPECT_EQ(fixtures::message_of<Error>([&] { changed.remove(layer(), 9, ""); }),
            "[layers.0] expert 9: not in this layer");
  EXPECT_EQ(told, 0);
  changed.remove(layer(), 0, "");
  changed.remove(layer(), 1, "");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(experts, 4);
}

TEST_F(PoolTest, TheLastExpertStays) {
  Pool shrunk = pool();
  for (const int64_t id : {0, 1, 2}) shrunk.remove(layer(), id, "");
  EXPECT_FALSE(shrunk.can_spare(layer(), 3));
  EXPECT_EQ(fixtures::message_of<Error>([&] { shrunk.remove(layer(), 3, ""); }),
            "[layers.0] expert 3: is the last of its layer");
  step();
}

}  // namespace
}  // namespace heterodyne::pool_test
