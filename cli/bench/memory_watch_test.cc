#include "cli/bench/memory_watch.h"

#include <gtest/gtest.h>

#include "heterodyne/base/torch.h"

namespace heterodyne::cli::memory_watch_test {
namespace {

TEST(MemoryWatch, SeesWhatTensorsTake) {
  const auto before = torch::zeros({1000});
  const MemoryWatch watch;
  auto kept = torch::zeros({1000});
  {
    const auto gone = torch::zeros({500});
    EXPECT_EQ(watch.kept_bytes(), 6000);
  }
  EXPECT_EQ(watch.kept_bytes(), 4000);
  EXPECT_EQ(watch.peak_bytes(), 6000);
}

TEST(MemoryWatch, SeesTheBackwardPass) {
  const auto x = torch::ones({1000}, torch::requires_grad());
  const auto y = (x * 2).exp();
  const MemoryWatch watch;
  y.sum().backward();
  EXPECT_EQ(watch.kept_bytes() / 4000, 1);  // the gradient
  EXPECT_GE(watch.peak_bytes(), 8000);
}

}  // namespace
}  // namespace heterodyne::cli::memory_watch_test
