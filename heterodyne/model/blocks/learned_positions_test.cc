#include "heterodyne/model/blocks/learned_positions.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::learned_positions_test {
namespace {

class LearnedPositionsTest : public testing::Test {
 protected:
  torch::nn::Module owner{"owner"};
  const Init init{7, ""};
};

TEST_F(LearnedPositionsTest, AreAddedToTheTokensOfEveryExample) {
  const LearnedPositions positions(owner, 3, 4, 0, init);
  const auto parameters = owner.named_parameters();
  ASSERT_EQ(parameters.size(), 1);
  const auto position_SD = parameters["positions"];
  const auto x_BSD = torch::arange(24, torch::kFloat32).view({2, 3, 4});
  const auto y_BSD = positions.forward(x_BSD, {1, 1});
  EXPECT_TRUE(torch::equal(y_BSD[0], x_BSD[0] + position_SD));
  EXPECT_TRUE(torch::equal(y_BSD[1], x_BSD[1] + position_SD));
  EXPECT_THROW(positions.forward(x_BSD.narrow(1, 0, 2), {1, 1}), ShapeError) << "of other positions nothing is known";
}

// 20,000 draws: standard error of the deviation 1e-4.
TEST_F(LearnedPositionsTest, BeginAsSmallNormalDraws) {
  const auto row_ND = learned_rows(owner, "rows", {100, 200}, init);
  EXPECT_NEAR(row_ND.std().item<double>(), 0.02, 5e-4);
  EXPECT_NEAR(row_ND.mean().item<double>(), 0, 6e-4);
}

TEST_F(LearnedPositionsTest, DropoutIsOfTraining) {
  const LearnedPositions positions(owner, 3, 4, 0.5, init);
  const auto x_BSD = torch::ones({50, 3, 4});
  EXPECT_GT((positions.forward(x_BSD, {1, 1}) == 0).sum().item<int64_t>(), 200);
  owner.eval();
  EXPECT_EQ((positions.forward(x_BSD, {1, 1}) == 0).sum().item<int64_t>(), 0);
}

}  // namespace
}  // namespace heterodyne::learned_positions_test
