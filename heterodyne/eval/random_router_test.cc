#include "heterodyne/eval/random_router.h"

#include <gtest/gtest.h>

#include "heterodyne/eval/evaluate.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::random_router_test {
namespace {

class RandomRouterTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 60}, {"size", 16}, {"classes", 4}}),
      DataContext{{}, 0.2, {}});

  std::shared_ptr<Network> network_of(uint64_t seed) {
    return networks().make(
        Member(Table{{"kind", "dmmoe"}, {"width", 16}, {"moe", Table{{"experts", fixtures::mixed_experts()}}}}),
        NetworkContext{dataset->shape(), seed});
  }
  std::vector<LayerProfile> measure(Network& network, uint64_t seed, const PassOptions& pass = {}) {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 16});
    return random_router_profile(network, loader, pass, recorder_options(*dataset, Split::kTest, 1), seed);
  }
};

using Counts = std::vector<int64_t>;

// Routers differ in their initial values alone, so the network's own seed gives the network's own routing.
TEST_F(RandomRouterTest, WithTheNetworksSeedItIsTheNetworkBeforeTraining) {
  const auto network = network_of(5);
  Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 16});
  const auto counts = evaluate(*network, loader, torch::kFloat32).routing.layers()[0].count_E;
  EXPECT_EQ(measure(*network, 5)[0].counts.count_E, counts);
  EXPECT_NE(measure(*network, 6)[0].counts.count_E, counts);
}

TEST_F(RandomRouterTest, DoesNotDependOnWhatTheRouterLearned) {
  const auto network = network_of(5);
  const auto before = measure(*network, 6)[0].counts.count_E;
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->moe_layers()[0]->router().parameters()) parameter.mul_(-1);
  }
  EXPECT_EQ(measure(*network, 6)[0].counts.count_E, before);
}

TEST_F(RandomRouterTest, LeavesTheNetworkAsItWas) {
  const auto network = network_of(5);
  const Router* router = &network->moe_layers()[0]->router();
  EXPECT_THROW(measure(*network, 6, {torch::kFloat32, 0, [](int64_t) -> bool { throw Error("stop"); }}), Error);
  EXPECT_EQ(&network->moe_layers()[0]->router(), router);
  EXPECT_TRUE(network->is_training());
}

TEST_F(RandomRouterTest, FollowsTheNetworksPrecision) {
  const auto network = network_of(5);
  network->to(torch::kFloat64);
  EXPECT_EQ(measure(*network, 6, torch::kFloat64)[0].counts.num_tokens, 60 * 4);
}

}  // namespace
}  // namespace heterodyne::random_router_test
