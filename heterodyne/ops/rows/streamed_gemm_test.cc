#include <gtest/gtest.h>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels_cpu.h"
#include "heterodyne/ops/rows/streamed_gemm_cpu.h"

namespace heterodyne::ops::streamed_gemm_test {
namespace {

using internal::kPanel;
using internal::rows_gemm;
using internal::streamed_gemm;

torch::Tensor random(const char* name, int64_t rows, int64_t columns) {
  return RandomStream(name).normal({1, static_cast<uint64_t>(rows * columns)}, {rows, columns});
}

TEST(StreamedGemm, GivesTheBitsOfTileProducts) {
  const Isa before = isa();
  for (const Isa each : available_isas()) {
    set_isa(each);
    for (const int64_t rows : {0, 1, 2, 3, 5, 6, 7, 13, 19, 24, 25, 31, 64, 65, 130}) {
      for (const int64_t depth : {0, 1, 15, 128, 129, 256, 300, 515}) {
        const auto a = random("a", rows, depth + 3), b = random("b", depth, kPanel);
        const auto start = random("c", rows, kPanel + 5);
        for (const bool add : {false, true}) {
          const auto ours = start.clone(), theirs = start.clone();
          const TileShape shape{rows, kPanel, depth, depth + 3, kPanel, kPanel + 5};
          streamed_gemm(shape, add, a.data_ptr<float>(), b.data_ptr<float>(), ours.data_ptr<float>());
          rows_gemm(shape, add, a.data_ptr<float>(), b.data_ptr<float>(), theirs.data_ptr<float>());
          ASSERT_TRUE(torch::equal(ours, theirs)) << name_of(each) << " " << rows << " x " << depth << " " << add;
        }
      }
    }
  }
  set_isa(before);
}

TEST(StreamedGemm, IsTheProduct) {
  const auto a = random("a", 21, 77), b = random("b", 77, kPanel);
  auto c = torch::zeros({21, kPanel});
  streamed_gemm({21, kPanel, 77, 77, kPanel, kPanel}, false, a.data_ptr<float>(), b.data_ptr<float>(),
                c.data_ptr<float>());
  const auto exact = a.to(torch::kFloat64).mm(b.to(torch::kFloat64));
  EXPECT_LT((c - exact).abs().max().item<double>(), 1e-5);
}

TEST(StreamedGemm, NotANumberPropagates) {
  auto a = torch::zeros({2, 3}), b = torch::ones({3, kPanel}), c = torch::zeros({2, kPanel});
  b[1][7] = std::numeric_limits<float>::quiet_NaN();
  a[0][2] = std::numeric_limits<float>::infinity();
  streamed_gemm({2, kPanel, 3, 3, kPanel, kPanel}, false, a.data_ptr<float>(), b.data_ptr<float>(),
                c.data_ptr<float>());
  EXPECT_TRUE(c.select(1, 7).isnan().all().item<bool>());
  EXPECT_TRUE(c[0][6].isinf().item<bool>());
  EXPECT_EQ(c[1][6].item<float>(), 0);
}

}  // namespace
}  // namespace heterodyne::ops::streamed_gemm_test
