#include "cli/bench/measure_dispatch.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::cli::measure_dispatch_test {
namespace {

TEST(MeasureDispatch, TimesEachPart) {
  LayerShape shape;
  shape.id = "small", shape.tokens = 20, shape.width = 8;
  shape.experts = {Member(Table{{"kind", "zero"}, {"count", 6}})};
  InterleaveOptions options{3, 0};
  const auto result = measure_dispatch(shape, options);
  EXPECT_EQ(result.num_experts, 6);
  EXPECT_EQ(result.pairs, 40);
  for (const char* name : {"router", "sort", "logits", "logits mm", "permute", "combine"})
    EXPECT_EQ(result.of(name).seconds.size(), 3U) << name;
  EXPECT_THROW(result.of("nothing"), Error);
  EXPECT_EQ(dispatch_rows({result}).rows[0][2], Value(int64_t{6}));
  EXPECT_GT(*dispatch_objects({result})[0].if_table()->find_path("sort.min_ms")->if_real(), 0);
}

}  // namespace
}  // namespace heterodyne::cli::measure_dispatch_test
