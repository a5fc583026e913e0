#include "heterodyne/nn/weight.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::nn::weight_test {
namespace {

struct Holder : torch::nn::Module {
  Weight weight{*this, "weight", torch::tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})};
};

TEST(Weight, AppliesTheTransposedMatrix) {
  Holder holder;
  EXPECT_TRUE(torch::equal(holder.weight.apply(torch::tensor({{1.0, 1.0}})), torch::tensor({{3.0, 7.0, 11.0}})));
  EXPECT_TRUE(torch::equal(holder.weight.apply(torch::tensor({{0.0, 0.0}}), torch::tensor({1.0, 2.0, 3.0})),
                           torch::tensor({{1.0, 2.0, 3.0}})));
  EXPECT_EQ(holder.weight.num_values(), 6);
  EXPECT_EQ(holder.weight.num_outputs(), 3);
}

TEST(Weight, AssignKeepsTheParameter) {
  Holder holder;
  const auto parameter = holder.parameters()[0];
  holder.weight.assign(torch::zeros({3, 2}, torch::kFloat64));
  EXPECT_TRUE(parameter.is_same(holder.weight.matrix()));
  EXPECT_EQ(parameter.abs().sum().item<float>(), 0);
  EXPECT_TRUE(parameter.requires_grad());
  EXPECT_THROW(holder.weight.assign(torch::zeros({2, 3})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::nn::weight_test
