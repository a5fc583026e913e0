#include "heterodyne/ops/scratch.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace heterodyne::ops::scratch_test {
namespace {

TEST(Scratch, AThreadsMemoryGrowsAndIsAligned) {
  for (const int64_t count : {1, 1000, 10, 5000}) {
    float* memory = thread_scratch(count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0U);
    for (int64_t i = 0; i < count; ++i) memory[i] = 1;  // a sanitizer sees when it is too small
  }
  EXPECT_EQ(thread_scratch(4), thread_scratch(5000));
}

TEST(Scratch, ABufferIsUsedAgainOnlyWhenNobodyHoldsIt) {
  release_kept_buffers();
  constexpr int64_t kCount = 1 << 20;
  auto first = kept_buffer(kCount);
  EXPECT_EQ(first.numel(), kCount);
  void* memory = first.data_ptr();
  auto second = kept_buffer(kCount);
  EXPECT_NE(second.data_ptr(), memory);
  const auto held = first.narrow(0, 5, 10);  // a view holds it too
  first = torch::Tensor();
  EXPECT_NE(kept_buffer(kCount).data_ptr(), memory);
  second = torch::Tensor();
  {
    const auto view = held;
  }
  EXPECT_NE(kept_buffer(kCount).data_ptr(), memory);
}

TEST(Scratch, AFreeBufferComesBack) {
  release_kept_buffers();
  constexpr int64_t kCount = 1 << 20;
  void* memory = kept_buffer(kCount).data_ptr();
  EXPECT_EQ(kept_buffer(kCount - 7).data_ptr(), memory);
  EXPECT_NE(kept_buffer(8 * kCount).data_ptr(), memory);
}

}  // namespace
}  // namespace heterodyne::ops::scratch_test
