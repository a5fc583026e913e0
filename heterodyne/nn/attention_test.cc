#include "heterodyne/nn/attention.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::nn::attention_test {
namespace {

torch::Tensor sequences(int64_t B, int64_t S, int64_t D) { return RandomStream("x").normal({1, 0}, {B, S, D}); }

TEST(Attention, ASequenceOfOneTokenAnswersWithItsValue) {
  const Attention attention({8, 2}, {1, "test"});
  const auto x = sequences(3, 1, 8);
  const auto parameters = attention.named_parameters();
  const auto value = torch::matmul(x.view({3, 8}), parameters["key_value.weight"].narrow(0, 8, 8).t());
  const auto expected = torch::matmul(value, parameters["output.weight"].t());
  const auto y = attention.forward(x.view({3, 8}), torch::arange(3), x, {}, {});
  EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-6)) << "the weight of the only key is 1";
}

TEST(Attention, WhatARowGetsDoesNotDependOnWhoElseAsks) {
  const Attention attention({8, 2, 0.3}, {1, "test"});
  const auto x = sequences(2, 5, 8);
  const auto all = attention.forward(x.view({10, 8}), torch::arange(10), x, {}, {4, 2});
  const auto token_N = torch::tensor({1, 4, 8});
  const auto some = attention.forward(x.view({10, 8}).index_select(0, token_N), token_N, x, {}, {4, 2});
  // Matrix products of another height may round differently; a wrong draw would differ by far more.
  EXPECT_TRUE(torch::allclose(some, all.index_select(0, token_N), 1e-5, 1e-6));
}

TEST(Attention, ProjectionsStartAsOneXavierMatrix) {
  const Attention attention({64, 4}, {1, "test"});
  const double bound = std::sqrt(6.0 / (4 * 64));
  for (const auto* name : {"query.weight", "key_value.weight"}) {
    const double largest = attention.named_parameters()[name].abs().max().item<double>();
    EXPECT_LE(largest, bound);
    EXPECT_GT(largest, 0.95 * bound);
  }
  EXPECT_EQ(attention.named_parameters()["query.bias"].abs().sum().item<double>(), 0);
}

TEST(Attention, CostsAsThePapersCount) {
  const Attention attention({128, 4}, {1, "test"});
  EXPECT_EQ(attention.macs_per_row(16), 2 * 128 * 128 + 2 * 16 * 128);
  EXPECT_EQ(attention.macs_per_token(), 2 * 128 * 128);
}

TEST(Attention, HeadsMustDivideTheWidth) {
  try {
    Attention({10, 3}, {1, "layers.0.attention"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "[layers.0.attention] heads: expected a divisor of the width 10, got 3");
  }
}

}  // namespace
}  // namespace heterodyne::nn::attention_test
