#include "heterodyne/model/blocks/stem.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::stem_test {
namespace {

TEST(PatchStem, ATokenIsItsPatchThroughTheConvolution) {
  PatchStem stem({3, 32, 32, 10}, 128, 8, {1, "stem"});
  EXPECT_EQ(stem.num_tokens(), 16);
  EXPECT_EQ(stem.macs(), 24576.0 * 16);
  const auto x = RandomStream("x").normal({1, 0}, {2, 3, 32, 32});
  const auto y = stem.forward(x);
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{2, 16, 128}));
  // Token 6 is row 1, column 2 of the 4 x 4 grid.
  const auto p = stem.named_parameters();
  const auto patch = x[1].narrow(1, 8, 8).narrow(2, 16, 8).reshape({-1});
  const auto expected = torch::matmul(p["conv.weight"].reshape({128, -1}), patch) + p["conv.bias"];
  EXPECT_TRUE(torch::allclose(y[1][6], expected, 1e-4, 1e-5));
}

TEST(PatchStem, ThePatchMustDivideTheImage) {
  EXPECT_THROW(PatchStem({1, 28, 28, 10}, 8, 8, {1, "stem"}), ConfigError);
}

TEST(ConvStem, HalvesTheImageThreeTimes) {
  ConvStem stem({1, 28, 28, 10}, 64, {1, "stem"});
  EXPECT_EQ(stem.num_tokens(), 16);
  EXPECT_EQ(stem.forward(torch::zeros({2, 1, 28, 28})).sizes(), (std::vector<int64_t>{2, 16, 64}));
  EXPECT_EQ(stem.macs(), 16 * 9 * 14 * 14 + 32 * 16 * 9 * 7 * 7 + 64 * 32 * 9 * 4 * 4);
}

TEST(ConvStem, HalvesTheImageAsOftenAsTold) {
  ConvStem stem({3, 64, 64, 10}, 16, {1, "stem"}, 4);
  EXPECT_EQ(stem.num_tokens(), 16);
  EXPECT_EQ(stem.columns(), 4);
  EXPECT_EQ(stem.macs(), 2 * 27 * 32 * 32 + 4 * 2 * 9 * 16 * 16 + 8 * 4 * 9 * 8 * 8 + 16 * 8 * 9 * 4 * 4);
}

// Embeddings start with an expected norm of 1; positions have sqrt(D / 2).
TEST(SymbolStem, ASymbolIsItsRowTimesTheRootOfTheWidth) {
  DataShape data;
  data.vocabulary = 5, data.length = 3, data.num_classes = 2;
  SymbolStem stem(data, 16, {1, "stem"});
  const auto y = stem.forward(torch::tensor({{4, 0}}, torch::kInt64));
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{1, 2, 16}));
  EXPECT_TRUE(torch::equal(y[0][0], stem.named_parameters()["embedding.weight"][4] * 4));
  EXPECT_EQ(stem.columns(), 0);
  EXPECT_THROW(stem.forward(torch::tensor({{5}}, torch::kInt64)), ShapeError);
  EXPECT_THROW(stem.forward(torch::zeros({1, 4}, torch::kInt64)), ShapeError);
}

}  // namespace
}  // namespace heterodyne::stem_test
