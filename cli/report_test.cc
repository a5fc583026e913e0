#include "cli/report.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::cli {
namespace {

TEST(Report, BarsCountEighths) {
  EXPECT_EQ(bar(0.5, 4), "\u2588\u2588");
  EXPECT_EQ(bar(0.5 + 1.0 / 32, 4), "\u2588\u2588\u258f");
  EXPECT_EQ(bar(0, 4), "");
  EXPECT_EQ(bar(7, 2), "\u2588\u2588") << "never longer than its place";
}

TEST(Report, TinyBarsAreRelativeToTheLargest) {
  EXPECT_EQ(tiny_bars({8, 4, 0, 1}), "\u2588\u2585 \u2582");
  EXPECT_EQ(tiny_bars({0, 0}), "  ");
}

TEST(Report, CountsAreShort) {
  EXPECT_EQ(short_count(512), "512");
  EXPECT_EQ(short_count(24576), "24.58 k");
  EXPECT_EQ(short_count(3.4849e6), "3.48 M");
  EXPECT_EQ(short_count(7.3e9), "7.30 G");
}

// The published use of DMMoE's experts.
TEST(Report, ShowsEveryExpertWithItsShare) {
  const Table settings{{"kind", "dmmoe"}, {"width", 16}, {"moe", Table{{"experts", fixtures::mixed_experts()}}}};
  const auto network = networks().make(Member(settings), NetworkContext{{1, 16, 16, 10}, 1});
  Evaluation evaluation;
  evaluation.routing = RoutingStats({{"layers.0", {103993, 51438, 103602, 60967}, 160000, 0}});
  const auto lines = routing_lines(*network, evaluation, 100);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0],
            "layers.0   320,000 assignments  k 2.00  CV 0.300  H 0.967  effective 3.82  max/ideal 1.30  dead 0  "
            "unrouted 0.0 %");
  EXPECT_NE(lines[1].find("mlp"), std::string::npos);
  EXPECT_NE(lines[1].find("32.5 %  x1.30"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("16.1 %  x0.64"), std::string::npos) << lines[2];
  EXPECT_NE(lines[4].find("19.1 %  x0.76"), std::string::npos) << lines[4];
  EXPECT_TRUE(lines[5].starts_with("MACs per image: routed "));
}

}  // namespace
}  // namespace heterodyne::cli
