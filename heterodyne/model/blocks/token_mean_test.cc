#include "heterodyne/model/blocks/token_mean.h"

#include <gtest/gtest.h>

#include <limits>

namespace heterodyne::token_mean_test {
namespace {

// Tokens 1, 3 and 8: all of them 4, the first two 2, none 0. What lies in padding does not matter.
TEST(TokenMean, LeavesPaddingOut) {
  auto x_BSD = torch::tensor({1.0, 3.0, 8.0}).view({1, 3, 1}).repeat({3, 1, 1});
  EXPECT_TRUE(torch::equal(mean_of_tokens(x_BSD, {}), torch::full({3, 1}, 4.0)));
  x_BSD[1][2][0] = std::numeric_limits<float>::quiet_NaN();
  const auto mask_BS = torch::tensor({{true, true, true}, {true, true, false}, {false, false, false}});
  EXPECT_TRUE(torch::equal(mean_of_tokens(x_BSD, mask_BS), torch::tensor({4.0, 2.0, 0.0}).view({3, 1})));
}

}  // namespace
}  // namespace heterodyne::token_mean_test
