#include "cli/bench/measure_layer.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::cli::measure_layer_test {
namespace {

LayerShape small(const std::string& id, int64_t hidden) {
  LayerShape shape;
  shape.id = id, shape.tokens = 16, shape.width = 8;
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", hidden}, {"count", 4}})};
  return shape;
}

LayerBenchOptions two_rounds() {
  LayerBenchOptions options;
  options.interleave.rounds = 2, options.interleave.warm_up = 0;
  return options;
}

TEST(MeasureLayer, TimesTheLayerAndAllThatStandsBesideIt) {
  const auto base = small("base", 4);
  auto shape = small("shape", 8);
  shape.per_flop_of = "base";
  const auto result = measure_layer(shape, &base, two_rounds());
  EXPECT_TRUE(result.is_compared);
  EXPECT_LT(result.difference, 1e-4);
  EXPECT_EQ(result.base_flops * 2, result.work.flops);
  // 16 rows of 8, two hidden values of 8 for each of 32 pairs, 12 bytes of routing for each.
  EXPECT_EQ(result.ideal_bytes, 4 * (16 * 8 + 2 * 32 * 8) + 12 * 32);
  EXPECT_GT(result.peak_bytes, 0);
  ASSERT_EQ(result.passes.size(), 2U);
  EXPECT_EQ(result.passes[1].flops, 3 * 2.0 * 32 * 3 * 8 * 8);
  for (const auto& pass : result.passes) {
    for (const auto& name : rivals().names()) EXPECT_TRUE(pass.has(name)) << name;
    for (const auto& name : {"layer", "router", "base", "mm"}) EXPECT_EQ(pass.of(name).seconds.size(), 2U) << name;
    EXPECT_TRUE(rivals().find(pass.dense_best).is_dense);
    EXPECT_GT(pass.machine.product, 0);
    EXPECT_GT(per_flop_ratio(result, pass).median, 0);
    EXPECT_THROW(pass.of("nothing"), Error);
  }
}

TEST(MeasureLayer, UnequalExpertsHaveADenseLayerOfTheirSizeBesideThem) {
  auto shape = small("unequal", 6);
  shape.experts.push_back(Member(Table{{"kind", "lstm_cell"}}));
  const auto result = measure_layer(shape, nullptr, two_rounds());
  EXPECT_FALSE(result.is_compared);
  EXPECT_FALSE(result.passes[0].has("naive_loop"));
  EXPECT_TRUE(result.passes[0].has("dense_gemm"));
}

TEST(MeasureLayer, LeavesOutWhatCannotComputeTheWidth) {
  const auto result = measure_layer(small("odd", 5), nullptr, two_rounds());
  EXPECT_FALSE(result.passes[0].has("grouped_mm"));
  EXPECT_TRUE(result.passes[0].has("naive_loop"));
}

// Rows of all pairs would be two fifths of the least more, another copy of the tokens' gradient a fifth.
TEST(MeasureLayer, ManyExpertsTakeLittleMoreMemoryThanTheyMust) {
  if (ops::isa() == ops::Isa::kPlain) GTEST_SKIP() << "skipped: no kernels";
  LayerShape shape;
  shape.id = "many", shape.tokens = 4096, shape.width = 64;
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", 64}, {"count", 64}})};
  auto options = two_rounds();
  options.rivals = false;
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  const auto result = measure_layer(shape, nullptr, options);
  at::set_num_threads(threads);
  EXPECT_LT(result.peak_bytes, 1.55 * result.ideal_bytes);
}

TEST(MeasureLayer, PlainLayersCanBeLeftOut) {
  auto options = two_rounds();
  options.rivals = false;
  EXPECT_FALSE(measure_layer(small("s", 6), nullptr, options).passes[0].has("grouped_mm"));
}

}  // namespace
}  // namespace heterodyne::cli::measure_layer_test
