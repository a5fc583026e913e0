#include "heterodyne/ops/tile_gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::tile_gemm_test {
namespace {

class EveryTile : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { set_isa(GetParam()); }
  void TearDown() override { set_isa(before_); }

  static torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b, torch::Tensor c, bool add) {
    tile_gemm({a.size(0), b.size(1), a.size(1), a.stride(0), b.stride(0), c.stride(0)}, add, a.data_ptr<float>(),
              b.data_ptr<float>(), c.data_ptr<float>());
    return c;
  }

 private:
  Isa before_ = isa();
};

INSTANTIATE_TEST_SUITE_P(, EveryTile, testing::ValuesIn(available_isas()),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(EveryTile, EqualsTheLibrarysProduct) {
  const RandomStream stream("tiles");
  for (const int64_t rows : {1, 3, 7, 64}) {
    for (const int64_t columns : {1, 16, 31, 64, 100}) {
      for (const int64_t depth : {1, 2, 33, 256}) {
        // Rows that lie further apart than they are long.
        const auto a = stream.normal({1, static_cast<uint64_t>(rows)}, {rows, depth + 3}).narrow(1, 0, depth);
        const auto b = stream.normal({1, static_cast<uint64_t>(columns)}, {depth, columns + 5}).narrow(1, 0, columns);
        const auto c = stream.normal({1, static_cast<uint64_t>(depth)}, {rows, columns + 2}).narrow(1, 0, columns);
        const auto expected = a.to(torch::kFloat64).matmul(b.to(torch::kFloat64));
        const auto got = product(a, b, c.clone(), false);
        EXPECT_LT((got - expected).abs().max().item<double>(), 2e-5 * std::sqrt(static_cast<double>(depth)) + 1e-6);
        const auto sum = product(a, b, c.clone(), true);
        EXPECT_LT((sum - expected - c).abs().max().item<double>(), 2e-5 * std::sqrt(static_cast<double>(depth)) + 1e-6);
      }
    }
  }
}

TEST_P(EveryTile, ARowDoesNotDependOnTheRowsBesideIt) {
  const auto a = RandomStream("a").normal({1, 0}, {64, 100}), b = RandomStream("b").normal({1, 0}, {100, 64});
  const auto whole = product(a, b, torch::empty({64, 64}), false);
  for (const int64_t first : {0, 1, 17, 60}) {
    for (const int64_t rows : {1, 2, 3, 4}) {
      const auto part = product(a.narrow(0, first, rows), b, torch::empty({rows, 64}), false);
      EXPECT_TRUE(torch::equal(part, whole.narrow(0, first, rows))) << first << " " << rows;
    }
  }
}

TEST_P(EveryTile, NothingIsZeroAndSizesMayBeZero) {
  const auto none = torch::empty({0});
  auto c = torch::ones({2, 3});
  product(torch::empty({2, 0}), torch::empty({0, 3}), c, true);
  EXPECT_TRUE(torch::equal(c, torch::ones({2, 3})));
  product(torch::empty({2, 0}), torch::empty({0, 3}), c, false);
  EXPECT_TRUE(torch::equal(c, torch::zeros({2, 3})));
  product(torch::empty({0, 4}), torch::empty({4, 3}), torch::empty({0, 3}), false);
}

TEST_P(EveryTile, WhatIsNotANumberPropagates) {
  auto a = torch::ones({2, 8}), b = torch::zeros({8, 3});
  a[1][4] = std::numeric_limits<float>::infinity();
  const auto c = product(a, b, torch::empty({2, 3}), false);
  EXPECT_TRUE(torch::equal(c[0], torch::zeros({3})));
  EXPECT_TRUE(torch::isnan(c[1]).all().item<bool>());  // infinity times zero
}

}  // namespace
}  // namespace heterodyne::ops::tile_gemm_test
