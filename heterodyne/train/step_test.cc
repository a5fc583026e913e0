#include "heterodyne/train/step.h"

#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::step_test {
namespace {

class StepTest : public testing::Test {
 protected:
  Experiment experiment = fixtures::small_experiment({"train.dtype=float64"});
  std::unique_ptr<Dataset> dataset = make_dataset(experiment, {}, {});
  std::shared_ptr<Network> network = make_network(experiment);
  std::shared_ptr<Optimizer> optimizer = optimizers().make(Member(Table{{"kind", "sgd"}}));

  Batch batch(int64_t first, int64_t count, uint64_t step = 1) const {
    Batch batch = dataset->get(Split::kTrain, torch::arange(first, first + count));
    batch.inputs = batch.inputs.to(torch::kFloat64);
    batch.random = {1, step};
    return batch;
  }
};

TEST_F(StepTest, LowersTheLossOfItsBatch) {
  double first = 0, last = 0;
  for (int i = 0; i < 10; ++i) {
    const auto result = train_step(*network, *optimizer, {{batch(0, 40)}, 0.1, 0});
    (i == 0 ? first : last) = result.loss;
  }
  EXPECT_LT(last, first);
}

TEST_F(StepTest, ReportsEveryPartOfTheLoss) {
  const auto result = train_step(*network, *optimizer, {{batch(0, 40)}, 0.1, 0});
  ASSERT_EQ(result.loss_parts.size(), 3U);
  EXPECT_EQ(result.loss_parts[0].first, "task");
  EXPECT_EQ(result.loss_parts[1].first, "layers.0.switch_loss");
  EXPECT_EQ(result.loss_parts[2].first, "layers.0.z_loss");
  EXPECT_NEAR(result.loss, result.loss_parts[0].second + result.loss_parts[1].second + result.loss_parts[2].second,
              1e-12);
  EXPECT_EQ(result.num_examples, 40);
  EXPECT_EQ(result.routing.layers()[0].num_assignments(), 40 * 4 * 2);
}

// Without noise, dropout and balancers a step over two halves is the step over the whole.
TEST_F(StepTest, AccumulatedBatchesAreOneBatch) {
  const auto plain = [] {
    return make_network(
        fixtures::small_experiment({"train.dtype=float64", "model.dropout=0", "model.moe.router={kind=\"top_k\"}",
                                    "model.moe.balancers=[]", "model.moe.experts.2.dropout=0"}));
  };
  const auto whole = plain(), halves = plain();
  train_step(*whole, *optimizer, {{batch(0, 40)}, 0.1, 0});
  const auto other = optimizers().make(Member(Table{{"kind", "sgd"}}));
  const auto result = train_step(*halves, *other, {{batch(0, 20), batch(20, 20, 2)}, 0.1, 0});
  EXPECT_EQ(result.num_examples, 40);
  for (size_t i = 0; i < whole->parameters().size(); ++i)
    EXPECT_TRUE(torch::allclose(whole->parameters()[i], halves->parameters()[i], 1e-9, 1e-12)) << i;
}

TEST_F(StepTest, ClipsBeforeItSteps) {
  const auto before = network->parameters()[0].detach().clone();
  const auto result = train_step(*network, *optimizer, {{batch(0, 40)}, 1.0, 1e-3});
  double moved = (network->parameters()[0].detach() - before).norm().item<double>();
  EXPECT_GT(result.grad_norm, 1e-3) << "the norm before clipping";
  EXPECT_LE(moved, 1e-3 * 1.0001);
}

TEST_F(StepTest, ANaNIsTracedToItsFirstPlaceAndNothingIsUpdated) {
  const auto before = network->parameters()[5].detach().clone();
  auto bad = batch(0, 40);
  bad.inputs[3].fill_(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(fixtures::message_of<Error>([&] { train_step(*network, *optimizer, {{bad}, 0.1, 0}); }),
            "[layers.0.router] scores: expected numbers, got NaN for 4 of 160 tokens, the first is token 12; first "
            "non-finite value: stem, 4 of 160 rows");
  {
    const torch::NoGradGuard no_grad;
    network->named_parameters()["head.bias"][1].fill_(std::numeric_limits<double>::infinity());
  }
  EXPECT_EQ(fixtures::message_of<Error>([&] { train_step(*network, *optimizer, {{batch(0, 40)}, 0.1, 0}); }),
            "loss is NaN; first non-finite value: head, 40 of 40 rows");
  EXPECT_TRUE(torch::equal(network->parameters()[5], before));
}

// A custom autograd function whose gradient is not finite while its value is.
struct BadGradient : torch::autograd::Function<BadGradient> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) { return x.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list& grad) {
    return {grad[0] * std::numeric_limits<double>::infinity()};
  }
};
struct BadNetwork : Network {
  torch::Tensor weight = register_parameter("weight", torch::ones({3}, torch::kFloat64));
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    return {BadGradient::apply(weight).expand({batch.size(), 3}), {}, {}};
  }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }
};

TEST_F(StepTest, AGradientThatIsNotFiniteIsNamed) {
  BadNetwork bad;
  EXPECT_EQ(fixtures::message_of<Error>([&] { train_step(bad, *optimizer, {{batch(0, 40)}, 0.1, 0}); }),
            "the gradient of weight is not finite; the loss still was");
  EXPECT_TRUE(torch::equal(bad.weight, torch::ones({3}, torch::kFloat64)));
}

}  // namespace
}  // namespace heterodyne::step_test
