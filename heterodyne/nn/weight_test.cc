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

// Rounded to bfloat16 by hand: 8 bits of precision, halves to even.
TEST(Weight, RoundedProductsLearnInFloat32) {
  Holder holder;
  const double fine = 1 + 1.0 / 1024, coarse = 1 + 3.0 / 256;  // to 1, and from between 1 + 2/128 and 1 + 1/128 to even
  holder.weight.assign(torch::tensor({{fine, 0.0}, {0.0, coarse}, {1.0, 1.0}}));
  holder.weight.round_to(ops::Compact::kBf16);
  const auto x = torch::tensor({{2.0F, 4.0F}}).requires_grad_();
  const auto bias = torch::zeros({3}).requires_grad_();
  const auto y = holder.weight.apply(x, bias);
  EXPECT_TRUE(torch::equal(y, torch::tensor({{2.0F, 4.0F * (1 + 2.0F / 128), 6.0F}}))) << y;
  y.backward(torch::tensor({{1.0F, 10.0F, 100.0F}}));
  EXPECT_TRUE(torch::equal(x.grad(), torch::tensor({{101.0F, 110.0F + 10.0F * 2 / 128}}))) << x.grad();
  EXPECT_TRUE(torch::equal(holder.weight.matrix().grad(), torch::tensor({{2.0, 4.0}, {20.0, 40.0}, {200.0, 400.0}})));
  EXPECT_TRUE(torch::equal(bias.grad(), torch::tensor({1.0, 10.0, 100.0})));
  EXPECT_FLOAT_EQ(holder.weight.matrix()[0][0].item<float>(), static_cast<float>(fine)) << "the parameter stays";
}

TEST(Weight, RoundedProductsFollowEachChange) {
  Holder holder;
  holder.weight.round_to(ops::Compact::kBf16);
  const auto x = torch::ones({1, 2});
  EXPECT_TRUE(torch::equal(holder.weight.apply(x), torch::tensor({{3.0, 7.0, 11.0}})));
  holder.weight.assign(torch::ones({3, 2}));
  EXPECT_TRUE(torch::equal(holder.weight.apply(x), torch::tensor({{2.0, 2.0, 2.0}})));
  {
    const torch::NoGradGuard no_grad;
    holder.parameters()[0].mul_(2);
  }
  EXPECT_TRUE(torch::equal(holder.weight.apply(x), torch::tensor({{4.0, 4.0, 4.0}})));
  holder.weight.compact(ops::Compact::kInt8);
  EXPECT_FALSE(holder.weight.is_rounded());
  EXPECT_THROW(holder.weight.round_to(ops::Compact::kBf16), Error);
}

}  // namespace
}  // namespace heterodyne::nn::weight_test
