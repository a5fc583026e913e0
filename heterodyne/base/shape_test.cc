#include "heterodyne/base/shape.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::shape_test {
namespace {

TEST(Shape, AcceptsWhatFits) {
  EXPECT_NO_THROW(check_shape("layer", "x", torch::zeros({3, 4}), {"T", {"D", 4}}));
  EXPECT_NO_THROW(check_shape("layer", "x", torch::zeros({0, 4}), {"T", 4}));
}

TEST(Shape, SaysWhatWasExpectedInLetters) {
  try {
    check_shape("router.top_k", "x_TD", torch::zeros({64, 256}), {"T", {"D", 512}});
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "[router.top_k] x_TD: expected [T, D = 512], got [64, 256]");
  }
  EXPECT_THROW(check_shape("a", "b", torch::zeros({2}), {"T", "D"}), ShapeError);
  EXPECT_THROW(check_shape("a", "b", torch::Tensor(), {"T"}), ShapeError);
}

TEST(Shape, WritesShapes) {
  EXPECT_EQ(shape_text(torch::zeros({2, 0})), "[2, 0]");
  EXPECT_EQ(shape_text(torch::Tensor()), "none");
}

}  // namespace
}  // namespace heterodyne::shape_test
