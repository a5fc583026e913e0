#include "heterodyne/nn/undrawn.h"

#include <gtest/gtest.h>

#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/init.h"

namespace heterodyne::nn::undrawn_test {
namespace {

TEST(Undrawn, OnlyWhileItLives) {
  const auto drawn = initial_weight(Scheme::kUniform, {1, "w"}, {3, 4});
  {
    const Undrawn outer;
    {
      const Undrawn inner;
    }
    EXPECT_TRUE(is_undrawn()) << "the inner one's end does not end the outer one";
    const auto unset = initial_weight(Scheme::kUniform, {1, "w"}, {3, 4});
    EXPECT_EQ(unset.sizes(), drawn.sizes());
    EXPECT_EQ(unset.scalar_type(), torch::kFloat32);
#ifndef NDEBUG
    EXPECT_TRUE(unset.isnan().all().item<bool>());
    EXPECT_TRUE(initial_bias(Scheme::kUniform, {1, "b"}, 5, 16).isnan().all().item<bool>());
    EXPECT_TRUE(Embedding(3, 4, {1, "e"}).parameters().front().isnan().all().item<bool>());
#endif
  }
  EXPECT_FALSE(is_undrawn());
  EXPECT_TRUE(torch::equal(initial_weight(Scheme::kUniform, {1, "w"}, {3, 4}), drawn));
}

}  // namespace
}  // namespace heterodyne::nn::undrawn_test
