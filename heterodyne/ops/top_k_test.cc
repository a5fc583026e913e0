#include "heterodyne/ops/top_k.h"

#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::ops::top_k_test {
namespace {

TEST(TopK, EqualsTheLibrarysWhereNothingTies) {
  for (const auto& [rows, columns, k] : {std::tuple{0, 5, 2}, {1, 1, 1}, {33, 7, 7}, {1000, 129, 8}, {3, 100, 1}}) {
    const auto score = RandomStream("s").normal({1, 0}, {rows, columns});
    EXPECT_TRUE(torch::equal(top_k(score, k, "test"), std::get<1>(score.topk(k, 1))));
    EXPECT_TRUE(torch::equal(top_k(score.to(torch::kFloat64), k, "test"), std::get<1>(score.topk(k, 1))));
  }
}

TEST(TopK, TiesGoToTheLowestPosition) {
  const auto score = torch::tensor({{1.0, 3.0, 3.0, 3.0}, {2.0, 2.0, 2.0, 2.0}, {0.0, 1.0, 0.0, 1.0}});
  EXPECT_TRUE(torch::equal(top_k(score, 2, "test"), torch::tensor({{1, 2}, {0, 1}, {1, 3}}, torch::kInt64)));
  const auto minus_infinity = torch::full({1, 3}, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(torch::equal(top_k(minus_infinity, 2, "test"), torch::tensor({{0, 1}}, torch::kInt64)));
}

TEST(TopK, ANaNIsNamedByItsToken) {
  auto score = torch::zeros({5, 3});
  score[3][1] = std::numeric_limits<float>::quiet_NaN();
  score[4].fill_(std::numeric_limits<float>::quiet_NaN());
  try {
    top_k(score, 1, "layers.2.router");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[layers.2.router] scores: expected numbers, got NaN for 2 of 5 tokens, the first is token 3");
  }
}

TEST(TopK, RefusesMoreChoicesThanColumns) {
  EXPECT_THROW(top_k(torch::zeros({2, 3}), 4, "test"), ShapeError);
  EXPECT_THROW(top_k(torch::zeros({2, 3}), 0, "test"), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::top_k_test
