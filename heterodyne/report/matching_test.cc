#include "heterodyne/report/matching.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::matching_test {
namespace {

using Columns = std::vector<int64_t>;

TEST(Matching, IsByIdWhereIdsAndKindsAgree) {
  const LayerProfile layer = fixtures::known_layer();
  LayerProfile smaller = layer;
  smaller.experts.erase(smaller.experts.begin());
  const ExpertMatch match = match_experts(layer, smaller);
  EXPECT_EQ(match.rule(), "id");
  EXPECT_EQ(match.after_of, (Columns{-1, 0, 1}));
}

// One went and another came: the two that stayed keep their places, whatever they do.
TEST(Matching, ANewcomerLeavesTheOthersAsTheyWere) {
  const LayerProfile before = fixtures::known_layer();
  LayerProfile after = before;
  after.groups[0].count_EG = {30, 5, 5, 5, 10, 25, 5, 25, 10};
  after.experts[0].id += 100;
  const ExpertMatch match = match_experts(before, after);
  EXPECT_EQ(match.rule(), "id, 1 by what they do");
  EXPECT_EQ(match.after_of, (Columns{0, 1, 2}));
}

// The second and third expert of the known table change places and get other ids.
TEST(Matching, OtherwiseByWhatTheExpertsDo) {
  const LayerProfile before = fixtures::known_layer();
  LayerProfile after = before;
  after.groups[0].count_EG = {30, 5, 5, 5, 10, 25, 5, 25, 10};
  for (ExpertFacts& expert : after.experts) expert.id += 100;
  const ExpertMatch match = match_experts(before, after);
  EXPECT_EQ(match.rule(), "what they do");
  EXPECT_EQ(match.after_of, (Columns{0, 2, 1}));
}

TEST(Matching, WithoutClassesByLoad) {
  LayerProfile before, after;
  before.experts = {{0, "", "a", 0, 0}, {1, "", "a", 0, 0}};
  after.experts = {{0, "", "b", 0, 0}, {1, "", "b", 0, 0}};
  before.counts.count_E = {90, 10};
  after.counts.count_E = {1, 9};
  EXPECT_EQ(match_experts(before, after).after_of, (Columns{1, 0}));
}

}  // namespace
}  // namespace heterodyne::matching_test
