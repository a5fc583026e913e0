#include "heterodyne/nn/embedding.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::nn::embedding_test {
namespace {

TEST(Embedding, GivesTheRowOfEachSymbol) {
  const Embedding embedding(5, 3, {7, "e"});
  const auto weight = embedding.parameters()[0];
  const auto y = embedding.forward(torch::tensor({{4, 0}, {2, 4}}, torch::kInt64));
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{2, 2, 3}));
  EXPECT_TRUE(torch::equal(y[1][0], weight[2]));
  EXPECT_TRUE(torch::equal(y[0][0], y[1][1]));
}

// 4000 x 64 normal values of variance 1 / 64: their standard deviation is known to a third of a percent.
TEST(Embedding, RowsHaveAnExpectedNormOfOne) {
  const auto weight = Embedding(4000, 64, {7, "e"}).parameters()[0];
  EXPECT_NEAR(weight.std().item<double>(), 0.125, 0.001);
}

TEST(Embedding, RefusesSymbolsThatItDoesNotHave) {
  const Embedding embedding(5, 3, {7, "e"});
  EXPECT_THROW(embedding.forward(torch::tensor({5}, torch::kInt64)), ShapeError);
  EXPECT_THROW(embedding.forward(torch::tensor({-1}, torch::kInt64)), ShapeError);
  EXPECT_EQ(embedding.forward(torch::zeros({0}, torch::kInt64)).size(0), 0);
}

}  // namespace
}  // namespace heterodyne::nn::embedding_test
