#include "heterodyne/nn/conv.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::conv_test {
namespace {

TEST(Conv2d, SizesAndCosts) {
  const Conv2d conv({3, 8, 3, 2, 1}, {1, "test"});
  EXPECT_EQ(conv.forward(torch::zeros({2, 3, 9, 8})).sizes(), (std::vector<int64_t>{2, 8, 5, 4}));
  EXPECT_EQ(conv.output_size(9), 5);
  EXPECT_EQ(conv.output_size(8), 4);
  EXPECT_EQ(conv.macs_per_position(), 8 * 3 * 9);
}

}  // namespace
}  // namespace heterodyne::nn::conv_test
