#include "heterodyne/eval/information.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::information_test {
namespace {

const double kLn2 = std::log(2.0);

const Contingency kThree{3, 3, {30, 5, 5, 5, 25, 10, 5, 10, 25}};
const Contingency kDiagonal{2, 2, {4, 0, 0, 4}};
const Contingency kMostly{2, 2, {3, 1, 1, 3}};
const Contingency kRare{2, 2, {8, 1, 0, 1}};  // eight assignments of class 0, two of class 1

// Computed independently.
TEST(Information, OfTheGoldenTable) {
  const auto information = information_of(kThree);
  EXPECT_NEAR(information.mutual, .253234, 5e-7);
  EXPECT_NEAR(information.normalized(), .230504, 5e-7);
  EXPECT_NEAR(information.bias, .016667, 5e-7);
  EXPECT_NEAR(information.corrected(), .236567, 1e-6);
  EXPECT_NEAR(information.expert_entropy, std::log(3.0), 1e-12);
}

// 3/4 ln 1.5 - 1/4 ln 2.
TEST(Information, WorkedByHand) {
  const auto information = information_of(kMostly);
  EXPECT_NEAR(information.mutual, .75 * std::log(1.5) - .25 * kLn2, 1e-12);
  EXPECT_NEAR(information.normalized(), .188722, 5e-7);
  EXPECT_NEAR(information.normalize(kLn2), 1, 1e-12);
  EXPECT_NEAR(information.bias, 1.0 / 16, 1e-12);
  // Ten assignments, nine of the first expert: H(.9, .1) less a fifth of ln 2.
  EXPECT_NEAR(information_of(kRare).mutual, -.9 * std::log(.9) - .1 * std::log(.1) - .2 * kLn2, 1e-12);
}

TEST(Information, OfClassesThatDecideTheExpert) {
  const auto information = information_of(kDiagonal);
  EXPECT_NEAR(information.mutual, kLn2, 1e-12);
  EXPECT_NEAR(information.normalized(), 1, 1e-12);
  // Two classes share an expert: the expert is known, the class is not.
  const auto shared = information_of({2, 3, {1, 1, 0, 0, 0, 2}});
  EXPECT_NEAR(shared.mutual, kLn2, 1e-12);
  EXPECT_NEAR(shared.share_of_smaller(), 1, 1e-12);
  EXPECT_NEAR(shared.normalized(), 2 * kLn2 / (kLn2 + 1.5 * kLn2), 1e-12);
}

TEST(Information, OfIndependentCountsIsZero) {
  EXPECT_EQ(information_of({2, 2, {2, 4, 1, 2}}).mutual, 0);
  EXPECT_LT(information_of({2, 2, {2, 4, 1, 2}}).corrected(), 0);
}

TEST(Information, TheBiasLeavesOutExpertsAndClassesWithoutCounts) {
  EXPECT_NEAR(information_of({3, 3, {4, 0, 0, 0, 0, 4, 0, 0, 0}}).bias, 1.0 / 16, 1e-12);
}

TEST(Information, OfNothingOneExpertOrOneClassIsZero) {
  for (const Contingency& table : {Contingency{}, Contingency{2, 2, {0, 0, 0, 0}}, Contingency{1, 3, {5, 0, 7}},
                                   Contingency{3, 1, {5, 0, 7}}, Contingency{0, 3, {}}, Contingency{3, 0, {}}}) {
    const auto information = information_of(table);
    EXPECT_EQ(information.mutual, 0);
    EXPECT_EQ(information.normalized(), 0);
    EXPECT_EQ(information.share_of_smaller(), 0);
    EXPECT_EQ(information.bias, 0);
    EXPECT_EQ(class_divergence(table), 0);
    EXPECT_EQ(specialisations(table).size(), static_cast<size_t>(table.num_experts));
  }
}

TEST(Information, SharesOfClassesAndOfExperts) {
  EXPECT_EQ(expert_given_class(kRare), (std::vector<double>{1, .5, 0, .5}));
  EXPECT_EQ(class_given_expert(kRare), (std::vector<double>{8.0 / 9, 1.0 / 9, 0, 1}));
  EXPECT_EQ(expert_given_class({2, 2, {3, 0, 1, 0}}), (std::vector<double>{.75, 0, .25, 0}));
}

TEST(Specialisation, OfEachExpert) {
  const auto mostly = specialisations(kMostly);
  EXPECT_NEAR(mostly[0].purity, .75, 1e-12);
  EXPECT_NEAR(mostly[0].focus, .188722, 5e-7);
  EXPECT_EQ(mostly[1].top, 1);
  EXPECT_NEAR(specialisations(kDiagonal)[0].focus, 1, 1e-12);
  const auto unused = specialisations({2, 2, {0, 0, 5, 5}});
  EXPECT_EQ(unused[0].top, -1);
  EXPECT_EQ(unused[0].purity, 0);
  EXPECT_NEAR(unused[1].focus, 0, 1e-12);
  // The third class does not occur: even in the two that do is no focus.
  EXPECT_NEAR(specialisations({1, 3, {5, 5, 0}})[0].focus, 0, 1e-12);
}

// P(. | 0) = (1, 0), P(. | 1) = (1/2, 1/2): H(3/4, 1/4) - (0 + ln 2) / 2, however rare class 1 is.
TEST(ClassDivergence, WeighsClassesTheSame) {
  EXPECT_NEAR(class_divergence(kRare), .562335 - kLn2 / 2, 1e-6);
  EXPECT_NEAR(class_divergence(kDiagonal), kLn2, 1e-12);
  EXPECT_NEAR(class_divergence(kMostly), information_of(kMostly).mutual, 1e-12);
}

TEST(ClassDivergence, OfEachTwoClasses) {
  const auto divergence_YY = class_divergences({2, 4, {4, 0, 2, 0, 0, 4, 6, 0}});
  const auto at = [&](size_t a, size_t b) { return divergence_YY[a * 4 + b]; };
  EXPECT_NEAR(at(0, 1), kLn2, 1e-12);
  EXPECT_EQ(at(0, 1), at(1, 0));
  EXPECT_EQ(at(2, 2), 0);
  // (1, 0) and (1/4, 3/4): H(5/8, 3/8) - H(1/4, 3/4) / 2.
  EXPECT_NEAR(at(0, 2), .661563 - .562335 / 2, 1e-6);
  EXPECT_EQ(at(0, 3), 0) << "the last class has no counts";
}

TEST(ChanceBand, HoldsTheMiddleOfTheValues) {
  std::vector<double> values;
  for (int i = 40; i >= 0; --i) values.push_back(i);
  const auto band = chance_band(values);
  EXPECT_DOUBLE_EQ(band->low, 1);
  EXPECT_DOUBLE_EQ(band->high, 39);
  EXPECT_DOUBLE_EQ(band->mean, 20);
  EXPECT_TRUE(band->is_exceeded_by(39.5));
  EXPECT_FALSE(band->is_exceeded_by(39));
  EXPECT_FALSE(band->is_exceeded_by(39 + 1e-14)) << "rounding";
  EXPECT_DOUBLE_EQ(chance_band({0, 1})->high, .975);
  EXPECT_EQ(chance_band({3})->low, 3);
  EXPECT_FALSE(chance_band({}));
}

// P(e) = 1/2 and a hundred assignments of each class: the standard error of independent ones is .05. Their bias is
// 3 / 800; a mean of the shuffled values nine times as large triples the error.
TEST(ClassesAboveChance, AreThoseBeyondTheErrorThatShufflesShow) {
  const Contingency table{2, 4, {70, 90, 30, 10, 30, 10, 70, 90}};
  const auto above = [&](int64_t e, double design_effect) {
    return classes_above_chance(table, e, {0, 0, design_effect * 3 / 800});
  };
  EXPECT_EQ(above(0, 1), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(above(1, 1), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(above(0, 9), (std::vector<int64_t>{1})) << ".2 is less than 1.96 x .15";
  EXPECT_TRUE(above(0, 25).empty()) << ".4 is less than 1.96 x .25";
  EXPECT_TRUE(classes_above_chance({2, 2, {5, 5, 0, 0}}, 0, {0, 0, .1}).empty()) << "all go there";
  EXPECT_TRUE(classes_above_chance({2, 2, {0, 0, 0, 0}}, 0, {0, 0, .1}).empty());
}

// Ten tokens: six got expert 0, four expert 1, three of them both; expert 2 got none.
TEST(PairCounts, CoActivationLiftAndOverlap) {
  const PairCounts pairs{3, {6, 3, 0, 3, 4, 0, 0, 0, 0}};
  EXPECT_EQ(co_activation(pairs), (std::vector<double>{1, .5, 0, .75, 1, 0, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(co_activation_lift(pairs, 10)[1], 30.0 / 24);
  EXPECT_DOUBLE_EQ(co_activation_lift(pairs, 10)[3], 30.0 / 24);
  EXPECT_DOUBLE_EQ(token_overlap(pairs)[1], 3.0 / 7);
  EXPECT_DOUBLE_EQ(token_overlap(pairs)[0], 1);
  EXPECT_EQ(token_overlap(pairs)[8], 0);
  EXPECT_EQ(co_activation_lift(pairs, 10)[2], 0);
}

}  // namespace
}  // namespace heterodyne::information_test
