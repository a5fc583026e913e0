// The promises of partitioner.h, kept by every kind.
#include "heterodyne/convert/partitioner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "heterodyne/base/random.h"

namespace heterodyne::partitioner_test {
namespace {

PartitionInput input_of(int64_t F, int64_t E, int64_t D) {
  PartitionInput input;
  input.key_FH = RandomStream("keys").normal({1, 0}, {F, 6});
  input.score_FD = RandomStream("scores").normal({1, 0}, {F, D}).exp().to(torch::kFloat64);
  input.level_FD = levels_of(input.score_FD.unsqueeze(0))[0];
  input.num_experts = E;
  input.layer = 3;
  input.seed = 5;
  return input;
}

Table settings_of(const std::string& kind) {
  Table settings{{"kind", kind}};
  for (const auto& field : partitioners().schema(kind).list()) {
    if (field.name == "modules") settings.set("modules", 32);
  }
  return settings;
}

std::shared_ptr<Partitioner> make(Table settings) { return partitioners().make(Member(std::move(settings))); }

class PartitionerContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, PartitionerContract, testing::ValuesIn(partitioners().names()),
                         [](const auto& test) { return test.param; });

TEST_P(PartitionerContract, EveryExpertHasNeuronsAndEqualInputsGiveEqualMaps) {
  const auto input = input_of(64, 4, 4);
  const auto found = make(settings_of(GetParam()))->divide(input);
  ASSERT_EQ(found.map.num_neurons(), 64);
  ASSERT_EQ(found.map.num_experts, 4);
  const auto size_E = found.map.sizes();
  EXPECT_GT(*std::min_element(size_E.begin(), size_E.end()), 0);
  for (const auto& experts : found.map.experts_F) EXPECT_TRUE(std::is_sorted(experts.begin(), experts.end()));
  EXPECT_EQ(make(settings_of(GetParam()))->divide(input).map.experts_F, found.map.experts_F);
  EXPECT_LE(found.objective, found.bound + 1e-9);
}

TEST_P(PartitionerContract, KindsThatKeepAllNeuronsHaveEachOnce) {
  const auto map = make(settings_of(GetParam()))->divide(input_of(64, 4, 4)).map;
  if (GetParam().rfind("moebert", 0) == 0) GTEST_SKIP() << "shares neurons and leaves some out";
  if (GetParam() == "copies") GTEST_SKIP() << "has each in every expert";
  EXPECT_TRUE(map.is_partition());
}

TEST_P(PartitionerContract, ScoresAreNotNeededWhereTheyAreNotRead) {
  const auto partitioner = make(settings_of(GetParam()));
  auto input = input_of(64, 4, 4);
  const auto expected = partitioner->divide(input).map.experts_F;
  if (partitioner->reads_scores()) GTEST_SKIP() << "reads scores";
  input.score_FD = input.level_FD = torch::Tensor();
  EXPECT_EQ(partitioner->divide(input).map.experts_F, expected);
}

TEST(Partitioners, NeighboursAndCopiesWorkedByHand) {
  PartitionInput input;
  input.key_FH = torch::ones({6, 2});
  input.num_experts = 3;
  EXPECT_EQ(text_of(make(Table{{"kind", "contiguous"}})->divide(input).map), "0\n0\n1\n1\n2\n2\n");
  EXPECT_EQ(text_of(make(Table{{"kind", "copies"}})->divide(input).map), "0,1,2\n0,1,2\n0,1,2\n0,1,2\n0,1,2\n0,1,2\n");
  input.num_experts = 4;
  EXPECT_THROW(make(Table{{"kind", "contiguous"}})->divide(input), Error);
}

TEST(Partitioners, EqualExpertsAreEqual) {
  for (const char* kind : {"contiguous", "random_homogeneous", "moefication", "emoe", "moebert", "moebert_multitask"}) {
    EXPECT_EQ(make(settings_of(kind))->divide(input_of(64, 4, 4)).map.sizes(), std::vector<int64_t>(4, 16)) << kind;
  }
}

TEST(Partitioners, RandomHeterogeneousHasTheSizesOfHemoe) {
  const auto input = input_of(64, 4, 4);
  const auto hemoe = make(settings_of("hemoe"))->divide(input),
             random = make(settings_of("random_heterogeneous"))->divide(input);
  EXPECT_EQ(hemoe.map.sizes(), random.map.sizes());
  EXPECT_NE(hemoe.map.experts_F, random.map.experts_F);
  EXPECT_GT(hemoe.map.sizes().front(), hemoe.map.sizes().back());
  EXPECT_GT(hemoe.bound, 0);
}

// Totals 6, 5, 4, ...: half of two neurons is one, so neuron 0 is in both experts; 1, 2 and 3 are dealt out, and 3
// finds no place.
TEST(Partitioners, MoebertSharesWhatMattersMost) {
  PartitionInput input;
  input.key_FH = torch::ones({4, 2});
  input.score_FD = torch::tensor({{3.0, 3.0}, {2.0, 3.0}, {2.0, 2.0}, {1.0, 2.0}}, torch::kFloat64);
  input.num_experts = 2;
  const auto map = make(Table{{"kind", "moebert"}})->divide(input).map;
  EXPECT_EQ(text_of(map), "0,1\n0\n1\n\n");
  EXPECT_EQ(map.common(), (std::vector<int64_t>{0}));
}

TEST(Partitioners, MoebertMultitaskHasAnExpertForEachDomain) {
  PartitionInput input;
  input.key_FH = torch::ones({4, 2});
  input.score_FD = torch::tensor({{9.0, 1.0}, {8.0, 7.0}, {1.0, 8.0}, {2.0, 2.0}}, torch::kFloat64);
  input.num_experts = 2;
  EXPECT_EQ(text_of(make(Table{{"kind", "moebert_multitask"}})->divide(input).map), "0\n0,1\n1\n\n");
  input.num_experts = 1;
  EXPECT_THROW(make(Table{{"kind", "moebert_multitask"}})->divide(input), Error);
}

// Two layers of one neuron: log(1 + 3) and log(1 + 1) are 2 and 1 times ln 2, of length sqrt(5) ln 2.
TEST(Partitioners, LevelsAreLogarithmsOfLengthOneForEachDomain) {
  const auto level =
      levels_of(torch::tensor({3.0, 1.0, 0.0, 0.0}, torch::kFloat64).view({2, 2}).t().reshape({2, 1, 2}));
  EXPECT_NEAR(level[0][0][0].item<double>(), 2 / std::sqrt(5.0), 1e-12);
  EXPECT_NEAR(level[1][0][0].item<double>(), 1 / std::sqrt(5.0), 1e-12);
  EXPECT_EQ(level.select(2, 1).abs().max().item<double>(), 0);
}

TEST(Partitioners, SizesThatDoNotFitAreRefused) {
  EXPECT_THROW(make(Table{{"kind", "random_homogeneous"}})->divide(input_of(64, 5, 4)), Error);
  EXPECT_THROW(make(Table{{"kind", "hemoe"}})->divide(input_of(64, 4, 4)), Error);  // 128 modules of 64 neurons
}

}  // namespace
}  // namespace heterodyne::partitioner_test
