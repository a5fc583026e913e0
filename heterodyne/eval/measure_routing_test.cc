#include "heterodyne/eval/measure_routing.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::measure_routing_test {
namespace {

// What is recorded needs the scores of all experts, which are computed by another kernel than the best ones alone.
constexpr double kRounding = 1e-6;

class MeasureRoutingTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 60}, {"size", 16}, {"classes", 4}}),
      DataContext{{}, 0.2, {}});
  std::shared_ptr<Network> network = networks().make(
      Member(Table{{"kind", "dmmoe"}, {"width", 16}, {"moe", Table{{"experts", fixtures::mixed_experts()}}}}),
      NetworkContext{dataset->shape(), 1});

  RoutingProfile measure(const MeasureOptions& options) {
    return measure_routing(*network, *dataset, Split::kTest, LoaderOptions{.batch = 16, .shuffle = true}, options);
  }
};

TEST_F(MeasureRoutingTest, MeasuresWhatIsAskedFor) {
  const auto plain = measure({});
  EXPECT_EQ(plain.num_examples, 60);
  EXPECT_FALSE(plain.layers[0].knock_out);
  EXPECT_FALSE(plain.layers[0].similarity);
  EXPECT_TRUE(plain.random_router.empty());

  std::set<std::string> passes;
  MeasureOptions options;
  options.seed = 1;
  options.knock_out = options.similarity = options.random_control = true;
  options.on_batch = [&](const std::string& pass, int64_t) { passes.insert(pass); };
  const auto all = measure(options);
  EXPECT_EQ(passes, (std::set<std::string>{"knock-out", "random router", "routing", "similarity"}));
  EXPECT_EQ(all.layers[0].counts.count_E, plain.layers[0].counts.count_E);
  EXPECT_NEAR(all.layers[0].knock_out->loss, all.loss, kRounding);
  EXPECT_EQ(all.layers[0].similarity->num_tokens, 60 * 4);
  EXPECT_NE(all.random_router.at(0).counts.count_E, all.layers[0].counts.count_E);
}

TEST_F(MeasureRoutingTest, ALimitHoldsForEveryPass) {
  MeasureOptions options;
  options.num_examples = 21;
  options.num_sampled_tokens = 10;
  options.knock_out = options.similarity = options.random_control = true;
  const auto profile = measure(options);
  EXPECT_EQ(profile.num_examples, 21);
  EXPECT_EQ(profile.layers[0].counts.num_tokens, 21 * 4);
  EXPECT_EQ(profile.layers[0].sample.id_TK.size(), 20U);
  EXPECT_EQ(profile.layers[0].similarity->num_tokens, 21 * 4);
  EXPECT_NEAR(profile.layers[0].knock_out->loss, profile.loss, kRounding);
  EXPECT_EQ(profile.random_router[0].counts.num_tokens, 21 * 4);
}

}  // namespace
}  // namespace heterodyne::measure_routing_test
