#include "cli/bench/measure_growth.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::cli::measure_growth_test {
namespace {

LayerShape small() {
  LayerShape shape;
  shape.id = "small", shape.tokens = 16, shape.width = 8;
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", 6}, {"count", 10}})};
  return shape;
}

// Eight experts of 3 x 8 x 6 values and a router of 10 x 8, each with two moments, four bytes a value.
TEST(MeasureGrowth, TimesWhatComesAndGoes) {
  InterleaveOptions options{3, 1};
  const auto result = measure_growth(small(), options);
  EXPECT_EQ(result.moved_bytes, 12.0 * (8 * 144 + 80));
  EXPECT_TRUE(result.keeps_others);
  for (const char* name : {"add", "remove", "copy", "step"}) EXPECT_EQ(result.of(name).seconds.size(), 3U) << name;
  EXPECT_EQ(growth_rows({result}).rows[0][1], Value(int64_t{10}));
  EXPECT_EQ(*growth_objects({result})[0].if_table()->find("keeps_others"), Value(true));
}

TEST(MeasureGrowth, RefusesLoadsThatAreDrawnBeforehand) {
  auto shape = small();
  shape.loads = "even";
  EXPECT_THROW(measure_growth(shape, {}), ConfigError);
}

}  // namespace
}  // namespace heterodyne::cli::measure_growth_test
