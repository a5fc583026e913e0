#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::mutual_information_test {
namespace {

double loss_of(const torch::Tensor& prob_TE, double confidence, double balance) {
  const int64_t T = prob_TE.size(0);
  const RouteInput input{prob_TE, 1, T, {}, {}, {true, false}};
  const auto routing =
      make_routing({torch::zeros({T, 1}, torch::kInt64), torch::ones({T, 1}), prob_TE, {}}, input, prob_TE.size(1));
  const Table settings{{"kind", "mutual_information"}, {"confidence", confidence}, {"balance", balance}};
  return balancers().make(Member(settings))->loss(routing).item<double>();
}

// Experts that tell two tokens apart give ln 2 of information; experts that everyone uses alike give none.
TEST(MutualInformation, IsTheNegativeInformationOfExperts) {
  EXPECT_NEAR(loss_of(torch::eye(2, torch::kFloat64), 1, 1), -0.693147, 1e-6);
  EXPECT_NEAR(loss_of(torch::full({3, 2}, 0.5, torch::kFloat64), 1, 1), 0, 1e-12);
}

// Entropies of the tokens 0 and .562335, of the mean (.125, .875) .376770.
TEST(MutualInformation, EachTermHasItsFactor) {
  const auto prob_TE = torch::tensor({{0.0, 1.0}, {.25, .75}}, torch::kFloat64);
  EXPECT_NEAR(loss_of(prob_TE, 1, 0), 0.562335 / 2, 1e-6);
  EXPECT_NEAR(loss_of(prob_TE, 0, 2), -2 * 0.376770, 1e-6);
}

}  // namespace
}  // namespace heterodyne::mutual_information_test
