#include "heterodyne/report/lives.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::lives_test {
namespace {

using Steps = std::vector<std::pair<int64_t, int64_t>>;

TEST(Lives, OfExpertsThatCameAndWent) {
  const auto layers = layer_lives(fixtures::full_input());
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_TRUE(layers[0].is_fixed());
  EXPECT_EQ(layers[0].active(), (Steps{{0, 4}}));
  const LayerLives& changed = layers[1];
  EXPECT_FALSE(changed.is_fixed());
  EXPECT_EQ(changed.active(), (Steps{{0, 3}, {600, 3}}));
  ASSERT_EQ(changed.experts.size(), 4U);
  EXPECT_FALSE(changed.is_alive(2));
  EXPECT_EQ(changed.experts[2].end, 600);
  EXPECT_EQ(changed.experts[2].reasons, std::vector<std::string>{"600 removed: 0 assignments in 300 steps"});
  EXPECT_EQ(changed.experts[3].born, 600);
  EXPECT_EQ(changed.experts[3].end, 1000);
  EXPECT_EQ(changed.experts[3].parents, std::vector<int64_t>{0});
}

TEST(Lives, AnEventTellsTheKindOfAnExpertThatNoProfileKnows) {
  ReportInput input;
  input.run.events = {Table{{"step", 5}, {"layer", 0}, {"event", "remove"}, {"id", 1}, {"kind", "mlp"}}};
  const auto layers = layer_lives(input);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].experts[0].kind, "mlp");
  EXPECT_EQ(layers[0].experts[0].name, "mlp");
}

TEST(Lives, ThoseThatAreMergedEnd) {
  ReportInput input;
  input.run.events = {
      Table{{"step", 50}, {"layer", "layers.2"}, {"event", "merge"}, {"id", 9}, {"parents", Array{3, 1}}}};
  const auto layers = layer_lives(input);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].active(), (Steps{{0, 2}, {50, 1}}));
  EXPECT_EQ(layers[0].experts[0].reasons, std::vector<std::string>{"50 merged into 9"});
}

TEST(Lives, ReasonsAreReadAfterWhatHappened) {
  ReportInput input;
  input.run.events = {
      Table{{"step", 600}, {"layer", 8}, {"event", "add"}, {"id", 6}, {"reason", "from 1,204 unrouted tokens"}},
      Table{{"step", 900}, {"layer", 8}, {"event", "split"}, {"id", 7}, {"reason", "expert 6 (by hand)"}}};
  const auto layers = layer_lives(input);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].experts[0].reasons, std::vector<std::string>{"600 added from 1,204 unrouted tokens"});
  EXPECT_EQ(layers[0].experts[1].reasons, std::vector<std::string>{"900 split off: expert 6 (by hand)"});
}

TEST(Lives, EventsThatSayTooLittleAreLeftOut) {
  ReportInput input;
  input.run.events = {Table{}, Table{{"layer", 1}}, Table{{"layer", "x"}, {"id", "five"}, {"event", 3}}};
  for (const auto& layer : layer_lives(input)) EXPECT_TRUE(layer.experts.empty());
}

}  // namespace
}  // namespace heterodyne::lives_test
