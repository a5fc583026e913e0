#include "heterodyne/report/layer_load.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::layer_load_test {
namespace {

TEST(ReportedLoad, ComesFromTheProfileWhereThereIsOne) {
  const auto loads = layer_loads(fixtures::full_input());
  ASSERT_EQ(loads.size(), 2U);
  EXPECT_EQ(loads[0].source, "the valid split");
  EXPECT_TRUE(loads[0].has_tokens());
  EXPECT_NEAR(loads[0].share(0), 0.3250, 5e-5);
  EXPECT_NEAR(loads[0].share(1), 0.1607, 5e-5);
  EXPECT_NEAR(loads[0].share(2), 0.3238, 5e-5);
  EXPECT_NEAR(loads[0].share(3), 0.1905, 5e-5);
  EXPECT_EQ(worst_layer(loads), 0U);
}

TEST(ReportedLoad, OtherwiseFromTrainingWithoutExpertsThatAreGone) {
  ReportInput input = fixtures::full_input();
  input.run.routing.reset();
  const auto loads = layer_loads(input);
  ASSERT_EQ(loads.size(), 2U);
  EXPECT_EQ(loads[1].source, "training, steps up to 1,000");
  EXPECT_FALSE(loads[1].has_tokens());
  ASSERT_EQ(loads[1].experts.size(), 3U);
  EXPECT_EQ(loads[1].experts[2].id, 4);
  EXPECT_EQ(loads[1].counts.count_E, (std::vector<int64_t>{40, 40, 40}));
}

TEST(ReportedLoad, NothingRecordedIsNoLayer) {
  EXPECT_TRUE(layer_loads(fixtures::empty_input()).empty());
  EXPECT_EQ(worst_layer({}), 0U);
}

TEST(ReportedLoad, ASwitchOpensAtTheWorstLayer) {
  auto layers = fixtures::profile().layers;
  std::swap(layers[0], layers[1]);
  const Choice choice = layer_choice(layers);
  EXPECT_EQ(choice.options, (std::vector<std::string>{"layers.1", "layers.0"}));
  EXPECT_EQ(choice.chosen, 1U);
}

TEST(ReportedLoad, ExpertsAreOrderedByKindThenSize) {
  const std::vector<ExpertFacts> experts{
      {7, "b", "mlp", 200, 0}, {5, "a", "vit_block", 1, 0}, {6, "", "mlp", 100, 0}, {2, "c", "mlp", 200, 0}};
  EXPECT_EQ(by_kind_and_size(experts), (std::vector<size_t>{2, 3, 0, 1}));
  EXPECT_EQ(expert_labels(experts), (std::vector<std::string>{"7 b", "5 a", "6", "2 c"}));
}

}  // namespace
}  // namespace heterodyne::layer_load_test
