#include "heterodyne/ops/panels.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops::panels_test {
namespace {

TEST(Panels, TransposeAndCopyMoveEveryValue) {
  const Isa before = isa();
  for (const Isa each : available_isas()) {
    set_isa(each);
    for (const int64_t rows : {1, 15, 16, 37, 64}) {
      for (const int64_t columns : {1, 16, 17, 50, 128}) {
        const auto from =
            RandomStream("m").normal({1, static_cast<uint64_t>(rows)}, {rows, columns + 3}).narrow(1, 0, columns);
        const internal::Block block{from.data_ptr<float>(), from.stride(0), rows, columns};
        auto flipped = torch::zeros({columns, rows + 2}), copied = torch::zeros({rows, columns + 1});
        internal::transpose(block, flipped.data_ptr<float>(), rows + 2);
        internal::copy(block, copied.data_ptr<float>(), columns + 1);
        EXPECT_TRUE(torch::equal(flipped.narrow(1, 0, rows), from.t()));
        EXPECT_TRUE(torch::equal(copied.narrow(1, 0, columns), from));
        EXPECT_EQ(flipped.narrow(1, rows, 2).abs().sum().item<double>(), 0) << "wrote beside its rows";
      }
    }
  }
  set_isa(before);
}

TEST(Panels, ArePanelsOfTheTransposedMatrix) {
  // Two panels of outputs: 64 and 2 wide.
  const auto matrix_OI = RandomStream("w").normal({1, 0}, {66, 5});
  const auto panels = pack_panels(matrix_OI);
  EXPECT_TRUE(torch::equal(panels.narrow(0, 0, 5 * 64).view({5, 64}), matrix_OI.narrow(0, 0, 64).t()));
  EXPECT_TRUE(torch::equal(panels.narrow(0, 5 * 64, 10).view({5, 2}), matrix_OI.narrow(0, 64, 2).t()));
  EXPECT_TRUE(torch::equal(pack_panels(matrix_OI.t().contiguous().t()), panels)) << "not contiguous";
}

TEST(Panels, GatheredRowsHaveZerosBehindThem) {
  const auto x_TD = RandomStream("x").normal({1, 0}, {4, 70});
  const std::vector<int64_t> tokens{3, 1, 1};
  auto rows = torch::ones({8, 70}), panels = torch::ones({8 * 70});
  const internal::Gather gather{x_TD.data_ptr<float>(), tokens.data(), 3, 8, 70};
  internal::gather_rows(gather, rows.data_ptr<float>());
  internal::gather_panels(gather, panels.data_ptr<float>());
  EXPECT_TRUE(torch::equal(rows.narrow(0, 0, 3), x_TD.index_select(0, torch::tensor(tokens))));
  EXPECT_EQ(rows.narrow(0, 3, 5).abs().sum().item<double>(), 0);
  EXPECT_TRUE(torch::equal(panels.narrow(0, 0, 8 * 64).view({8, 64}), rows.narrow(1, 0, 64)));
  EXPECT_TRUE(torch::equal(panels.narrow(0, 8 * 64, 8 * 6).view({8, 6}), rows.narrow(1, 64, 6)));
}

TEST(Panels, RefusesOtherTypes) {
  EXPECT_THROW(pack_panels(torch::zeros({2, 2}, torch::kFloat64)), ShapeError);
  EXPECT_THROW(pack_panels(torch::zeros({2})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::panels_test
