// The promises of network.h, kept by every kind.
#include "heterodyne/model/network.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne {
namespace {

const DataShape kShape{2, 16, 16, 5};

class NetworkContract : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<Network> make(uint64_t seed = 1) const {
    Table settings{{"kind", GetParam()}};
    if (GetParam() == "dmmoe")
      settings = Table{{"kind", "dmmoe"}, {"width", 16}, {"moe", Table{{"experts", fixtures::mixed_experts()}}}};
    return networks().make(Member(settings), NetworkContext{kShape, seed});
  }

  static Batch batch_of(int64_t B) {
    return {fixtures::normal("images", {B, 2, 16, 16}), torch::zeros({B}, torch::kInt64), torch::arange(B), {}, {3, 5}};
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, NetworkContract, testing::ValuesIn(networks().names()),
                         [](const auto& test) { return test.param; });

TEST_P(NetworkContract, ClassifiesBatchesOfAnySize) {
  const auto network = make();
  for (const int64_t B : {0, 1, 7}) {
    const auto output = network->forward(batch_of(B), nullptr);
    EXPECT_EQ(output.logit_BY.sizes(), (std::vector<int64_t>{B, 5}));
    EXPECT_EQ(output.sums.size(), network->moe_layers().size());
  }
}

TEST_P(NetworkContract, EqualSeedsGiveEqualNetworks) {
  const auto a = make(1)->forward(batch_of(3), nullptr).logit_BY;
  EXPECT_TRUE(torch::equal(a, make(1)->forward(batch_of(3), nullptr).logit_BY));
  EXPECT_FALSE(torch::equal(a, make(2)->forward(batch_of(3), nullptr).logit_BY));
}

TEST_P(NetworkContract, EqualKeysGiveEqualOutputsInTraining) {
  const auto network = make();
  const auto first = network->forward(batch_of(3), nullptr).logit_BY;
  EXPECT_TRUE(torch::equal(first, network->forward(batch_of(3), nullptr).logit_BY));
}

TEST_P(NetworkContract, TheLogChangesNothing) {
  const auto network = make();
  RoutingLog log;
  std::vector<std::string> names;
  log.on_value = [&](const std::string& name, const torch::Tensor&) { names.push_back(name); };
  EXPECT_TRUE(
      torch::equal(network->forward(batch_of(3), &log).logit_BY, network->forward(batch_of(3), nullptr).logit_BY));
  EXPECT_EQ(log.layers.size(), network->moe_layers().size());
  EXPECT_EQ(names.back(), "head");
}

TEST_P(NetworkContract, AGridHoldsEveryToken) {
  const auto network = make();
  const auto [rows, columns] = network->token_grid();
  EXPECT_TRUE(rows == 0 || rows * columns == network->tokens_per_example()) << rows << " x " << columns;
}

TEST_P(NetworkContract, EveryParameterHasAGradient) {
  const auto network = make();
  const auto output = network->forward(batch_of(7), nullptr);
  output.logit_BY.pow(2).sum().backward();
  for (const auto& parameter : network->named_parameters()) EXPECT_TRUE(parameter->grad().defined()) << parameter.key();
}

TEST_P(NetworkContract, CountsItsCost) {
  const auto network = make();
  const auto cost = even_cost(*network);
  EXPECT_EQ(cost.routed.params, num_params(*network));
  EXPECT_GT(cost.routed.macs, 0);
  EXPECT_GE(cost.executed.macs, cost.routed.macs * 0.99);
}

TEST_P(NetworkContract, RejectsOtherInputs) {
  auto batch = batch_of(2);
  batch.inputs = torch::zeros({2, 1, 16, 16});
  EXPECT_THROW(make()->forward(batch, nullptr), ShapeError);
}

}  // namespace
}  // namespace heterodyne
