#include "heterodyne/nn/memory_claim.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::memory_claim_test {
namespace {

TEST(MemoryClaim, IsGivenBackWithItsLastCopy) {
  const int64_t most = claimable_memory(), half = most / 2;
  ASSERT_GT(half, 1 << 20);
  EXPECT_EQ(claim_memory(most + 1), nullptr);
  auto first = claim_memory(half);
  ASSERT_NE(first, nullptr);
  auto copy = first;
  first.reset();
  EXPECT_EQ(claim_memory(most - half + 1), nullptr) << "a copy still claims its half";
  copy.reset();
  EXPECT_NE(claim_memory(most - half + 1), nullptr);
}

}  // namespace
}  // namespace heterodyne::nn::memory_claim_test
