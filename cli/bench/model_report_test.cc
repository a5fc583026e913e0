#include "cli/bench/model_report.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::model_report_test {
namespace {

ModelBench made_up() {
  ModelResult first, second;
  first.name = "a", first.num_params = 1234, first.examples = 100, first.is_text = true, first.macs = 1e9;
  first.timing = {"a", {0.02, 0.04}};
  first.phases = {{"forward", 0.3}, {"backward", 0.6}, {"optimizer", 0.1}};
  first.parts = {{"experts", 0.25}};
  first.peak_bytes = 12.34e6;
  second = first, second.name = "b", second.timing = {"b", {0.01, 0.01}};
  ModelBench bench{{first, second}, {}};
  bench.machine.product = 400e9;
  return bench;
}

TEST(ModelReport, TheLineOfAModel) {
  const auto bench = made_up();
  // 6 x 10^9 operations and 100 tokens in 30 ms.
  EXPECT_EQ(model_line(bench.models[0], bench.machine),
            "a  1,234 params   step 30.0 ms (min 20.0, p5 21.0, p95 39.0)   3,333 tok/s   200 GFLOP/s, 50 % of peak   "
            "forward 30 %  backward 60 %  optimizer 10 %   memory 12.3 MB");
}

TEST(ModelReport, RowsCompareTheFirstWithEach) {
  const auto rows = model_rows(made_up());
  ASSERT_EQ(rows.rows.size(), 2U);
  EXPECT_TRUE(rows.rows[0][7].is_null());
  EXPECT_EQ(rows.rows[1][7], Value(3.0));  // of 2 and 4
  EXPECT_EQ(part_rows(made_up()).rows[0], (std::vector<Value>{"a", "experts", 25.0}));
}

TEST(ModelReport, Objects) {
  const auto objects = model_objects(made_up());
  EXPECT_EQ(*objects[1].if_table()->find("first_over_it"), Value(3.0));
  EXPECT_EQ(*objects[0].if_table()->find_path("phases.backward"), Value(0.6));
}

}  // namespace
}  // namespace heterodyne::cli::model_report_test
