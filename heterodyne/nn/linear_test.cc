#include "heterodyne/nn/linear.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::linear_test {
namespace {

TEST(Linear, MultipliesAndAdds) {
  Linear linear({2, 1}, {1, "test"});
  linear.weight().assign(torch::tensor({{2.0, -1.0}}));
  torch::NoGradGuard no_grad;
  linear.bias().fill_(0.5);
  EXPECT_EQ(linear.forward(torch::tensor({{3.0F, 4.0F}})).item<float>(), 2.5F);
  EXPECT_EQ(linear.forward(torch::zeros({0, 2})).sizes(), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(linear.forward(torch::zeros({2, 3, 2})).sizes(), (std::vector<int64_t>{2, 3, 1}));
  EXPECT_EQ(linear.macs(), 2.0);
}

TEST(Linear, ParametersHaveNamesAndFollowTheirDtype) {
  Linear linear({2, 3}, {1, "test"});
  linear.to(torch::kFloat64);
  EXPECT_EQ(linear.named_parameters().keys(), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_EQ(linear.forward(torch::zeros({1, 2}, torch::kFloat64)).scalar_type(), torch::kFloat64);
  EXPECT_EQ((Linear({2, 3, false}, {1, "test"}).parameters().size()), 1U);
}

}  // namespace
}  // namespace heterodyne::nn::linear_test
