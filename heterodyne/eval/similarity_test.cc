#include "heterodyne/eval/similarity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::similarity_test {
namespace {

const auto kX = torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {1.0, 1.0}, {2.0, 1.0}, {3.0, 0.0}}, torch::kFloat64);
const auto kY = torch::tensor({{2.0, 0.0, 1.0}, {0.0, 1.0, 0.0}, {2.0, 1.0, 1.0}, {4.0, 1.0, 3.0}, {1.0, 5.0, 2.0}},
                              torch::kFloat64);

torch::Tensor first(const torch::Tensor& x_TD, int64_t n) { return x_TD.narrow(0, 0, n); }

// Computed independently.
TEST(Cka, OfTheGoldenOutputs) {
  EXPECT_NEAR(linear_cka(first(kX, 4), first(kY, 4)), .950655, 5e-7);
  EXPECT_NEAR(linear_cka(first(kY, 4), first(kX, 4)), .950655, 5e-7);
}

// The estimates in exact fractions, by the definition with kernel matrices: HSIC_1 of the first four rows 1, alone 1/6
// and 6; of all five -2/15, alone 6/5 and 227/30.
TEST(Cka, DebiasedWorkedByHand) {
  EXPECT_NEAR(debiased_linear_cka(first(kX, 4), first(kY, 4)), 1, 1e-12);
  EXPECT_NEAR(debiased_linear_cka(kX, kY), (-2.0 / 15) / std::sqrt(6.0 / 5 * 227.0 / 30), 1e-12);
}

TEST(Cka, OfEqualOutputsIsOne) {
  EXPECT_NEAR(linear_cka(kX, kX), 1, 1e-12);
  EXPECT_NEAR(debiased_linear_cka(kY, kY), 1, 1e-12);
}

TEST(Cka, RotationScaleAndShiftChangeNothing) {
  for (int64_t seed = 0; seed < 20; ++seed) {
    const auto x_TD = fixtures::normal("x" + std::to_string(seed), {40, 6}).to(torch::kFloat64);
    const auto y_TD = x_TD.square() + fixtures::normal("y" + std::to_string(seed), {40, 6});
    const auto rotation_DD = std::get<0>(torch::linalg_qr(fixtures::normal("q", {6, 6}).to(torch::kFloat64)));
    const auto moved_TD = torch::matmul(x_TD, rotation_DD) * 3.5 + 7;
    EXPECT_NEAR(linear_cka(moved_TD, y_TD), linear_cka(x_TD, y_TD), 1e-9);
    EXPECT_NEAR(debiased_linear_cka(moved_TD, y_TD), debiased_linear_cka(x_TD, y_TD), 1e-9);
  }
}

// Of thirty tokens and sixty columns the plain value is far from 0 though nothing is alike.
TEST(Cka, OnlyTheDebiasedIsNearZeroForIndependentOutputs) {
  double plain = 0, debiased = 0;
  for (int64_t seed = 0; seed < 20; ++seed) {
    const auto x_TD = fixtures::normal("x" + std::to_string(seed), {30, 60});
    const auto y_TD = fixtures::normal("y" + std::to_string(seed), {30, 60});
    plain += linear_cka(x_TD, y_TD) / 20;
    debiased += debiased_linear_cka(x_TD, y_TD) / 20;
  }
  EXPECT_GT(plain, .5);
  EXPECT_NEAR(debiased, 0, .02);
}

TEST(Cka, OfConstantOrTooFewOutputsIsNoNumber) {
  EXPECT_TRUE(std::isnan(linear_cka(kX, torch::full({5, 3}, 0.1))));
  EXPECT_TRUE(std::isnan(debiased_linear_cka(torch::zeros({5, 3}), kX)));
  EXPECT_TRUE(std::isnan(linear_cka(first(kX, 1), first(kY, 1))));
  EXPECT_TRUE(std::isnan(linear_cka(first(kX, 0), first(kY, 0))));
  EXPECT_TRUE(std::isnan(debiased_linear_cka(first(kX, 3), first(kY, 3))));
}

class ExpertSimilarityTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset =
      datasets().make(Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 100}, {"size", 16}}),
                      DataContext{{}, 0.2, {}});
  // Four tokens an example.
  std::shared_ptr<Network> network_of(Array experts) {
    return networks().make(
        Member(Table{{"kind", "dmmoe"}, {"width", 16}, {"moe", Table{{"experts", std::move(experts)}}}}),
        NetworkContext{dataset->shape(), 1});
  }
  Similarity measure(Network& network, int64_t num_tokens, int64_t batch = 8) {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = batch});
    return expert_similarity(network, loader, {}, num_tokens).at(0);
  }
};

TEST_F(ExpertSimilarityTest, TakesWholeExamplesUpToTheTokensAllowed) {
  const auto network = network_of(fixtures::mixed_experts());
  EXPECT_EQ(measure(*network, 50).num_tokens, 48);
  EXPECT_EQ(measure(*network, 1).num_tokens, 4);
  EXPECT_EQ(measure(*network, 100000).num_tokens, 400);
  EXPECT_TRUE(measure(*network, 159).is_debiased);
  EXPECT_FALSE(measure(*network, 160).is_debiased);
}

TEST_F(ExpertSimilarityTest, IsSymmetricWithOnesAndTheSameForAnyBatch) {
  const auto network = network_of(fixtures::mixed_experts());
  network->train();
  const auto a = measure(*network, 200), b = measure(*network, 200, 7);
  EXPECT_TRUE(network->is_training());
  ASSERT_EQ(a.cka_EE.size(), 16U);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(a.cka_EE[i * 4 + i], 1, 1e-12);
    for (size_t j = 0; j < 4; ++j) {
      EXPECT_EQ(a.cka_EE[i * 4 + j], a.cka_EE[j * 4 + i]);
      EXPECT_NEAR(a.cka_EE[i * 4 + j], b.cka_EE[i * 4 + j], 1e-5);
    }
  }
}

TEST_F(ExpertSimilarityTest, AnExpertWithTheSameWeightsIsTheSameAndOneOfZerosIsNoNumber) {
  const auto network = network_of({Table{{"kind", "mlp"}, {"hidden", 24}, {"count", 3}}});
  const torch::NoGradGuard no_grad;
  const auto& slots = network->moe_layers()[0]->slots();
  const auto from = slots[0].expert->named_parameters();
  for (const auto& parameter : slots[1].expert->named_parameters()) parameter.value().copy_(from[parameter.key()]);
  for (auto& parameter : slots[2].expert->parameters()) parameter.zero_();
  const auto similarity = measure(*network, 200);
  EXPECT_NEAR(similarity.cka_EE[1], 1, 1e-6);
  EXPECT_TRUE(std::isnan(similarity.cka_EE[2]));
  EXPECT_TRUE(std::isnan(similarity.cka_EE[8]));
}

}  // namespace
}  // namespace heterodyne::similarity_test
