#include "heterodyne/nn/growing.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::growing_test {
namespace {

TEST(Growing, HoldsAllInOrder) {
  const auto all = torch::arange(3 * 400 * 2).view({3, 400, 2});
  Growing rows;
  EXPECT_EQ(rows.size(1), 0);
  EXPECT_FALSE(rows.joined(1).defined());
  int64_t at = 0;
  for (int64_t i = 0; at < 400; ++i) {
    const int64_t count = std::min<int64_t>(i % 7 == 3 ? 90 : 1 + i % 3, 400 - at);
    rows = rows.with(all.narrow(1, at, count), 1);
    at += count;
    ASSERT_EQ(rows.size(1), at);
    ASSERT_TRUE(torch::equal(rows.joined(1), all.narrow(1, 0, at))) << at;
    EXPECT_LT(rows.recent.defined() ? rows.recent.size(1) : 0, 64);
  }
}

TEST(Growing, TwoMayGoOnFromOne) {
  const auto one = Growing{}.with(torch::zeros({1, 100}), 1).with(torch::ones({1, 1}), 1);
  const auto left = one.with(torch::full({1, 1}, 2), 1), right = one.with(torch::full({1, 1}, 3), 1);
  EXPECT_EQ(one.size(1), 101);
  EXPECT_EQ(left.joined(1)[0][101].item<float>(), 2);
  EXPECT_EQ(right.joined(1)[0][101].item<float>(), 3);
}

TEST(Growing, OldRowsAreSeldomCopied) {
  Growing rows = Growing{}.with(torch::zeros({1, 1000}), 1);
  int copies = 0;
  for (int i = 0; i < 640; ++i) {
    const void* before = rows.old.data_ptr();
    rows = rows.with(torch::ones({1, 1}), 1);
    copies += rows.old.data_ptr() != before;
  }
  EXPECT_EQ(copies, 10);
}

}  // namespace
}  // namespace heterodyne::nn::growing_test
