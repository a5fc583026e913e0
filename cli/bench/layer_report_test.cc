#include "cli/bench/layer_report.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::layer_report_test {
namespace {

LayerResult made_up() {
  LayerResult result;
  result.shape.id = "X";
  result.shape.tokens = 1000, result.shape.width = 64;
  result.shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", 64}}),
                          Member(Table{{"kind", "swiglu"}, {"hidden", 512}})};
  result.work = {{900, 1100}, 2000, 3e9, 1e6};
  PassResult forward{"forward",
                     3e9,
                     {{"layer", {0.02, 0.03}},
                      {"router", {0.001, 0.003}},
                      {"dense_gemm", {0.02, 0.02}},
                      {"dense_own", {0.01, 0.02}},
                      {"mm", {1}}},
                     "dense_own",
                     {}};
  forward.machine.product = 300e9;
  result.passes = {forward};
  return result;
}

TEST(LayerReport, TheHeadlineComparesWithTheBestDenseLayer) {
  // 0.02 / 0.01 and 0.03 / 0.02: the median of 2 and 1.5. The router: 5 and 10 %.
  EXPECT_EQ(
      headline(made_up()),
      "X  tokens 1,000 width 64 experts 2 (64..512) k 2   forward 1.75x dense (p5 1.52, p95 1.98)   router 8 % of "
      "forward");
}

TEST(LayerReport, RowsSayWhatTheLayerIsAgainstEach) {
  const auto rows = layer_rows({made_up()});
  ASSERT_EQ(rows.rows.size(), 4U);
  // 3 GFLOP in 20 ms are 150 GFLOP/s, half of the peak.
  EXPECT_EQ(rows.rows[0], (std::vector<Value>{"X", "forward", "layer", 20.0, 25.0, 150.0, 50.0, {}, {}, {}}));
  EXPECT_EQ(rows.rows[3][2], Value("dense_own *"));
  EXPECT_EQ(rows.rows[3][7], Value(1.75));
}

TEST(LayerReport, ObjectsHoldEveryTime) {
  const auto objects = layer_objects({made_up()});
  ASSERT_EQ(objects.size(), 1U);
  const Table& point = *objects[0].if_table();
  EXPECT_EQ(*point.find("dense_best"), Value("dense_own"));
  EXPECT_EQ(point.find("works")->if_array()->size(), 5U);
  EXPECT_EQ(point.find("ratios")->if_array()->size(), 2U);
}

TEST(LayerReport, NamesWhatIsOverTheLimit) {
  EXPECT_EQ(over_limit({made_up()}, 1.7), std::vector<std::string>{"X forward 1.75"});
  EXPECT_TRUE(over_limit({made_up()}, 1.8).empty());
}

}  // namespace
}  // namespace heterodyne::cli::layer_report_test
