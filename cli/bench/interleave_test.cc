#include "cli/bench/interleave.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace heterodyne::cli::interleave_test {
namespace {

const double kNone = std::numeric_limits<double>::quiet_NaN();

// A clock that the works themselves move on.
TEST(Interleave, TakesTurnsInBothOrdersAndTimesTheRunAlone) {
  double clock = 0;
  std::string order;
  const std::vector<Work> works{{"a", [&] { clock += 1, order += "a"; }, [&] { clock += 100; }},
                                {"b", [&] { clock += 2, order += "b"; }, {}}};
  InterleaveOptions options{3, 1};
  options.now = [&] { return clock; };
  const auto timings = interleave(works, options);
  EXPECT_EQ(order, "baabbaab");
  EXPECT_EQ(timings[0].seconds, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(timings[1].seconds, (std::vector<double>{2, 2, 2}));
}

TEST(Interleave, ASlowWorkSitsOut) {
  double clock = 0;
  const std::vector<Work> works{{"slow", [&] { clock += 3; }, {}}, {"fast", [&] { clock += 1; }, {}}};
  InterleaveOptions options{6, 0, 5, 3};
  options.now = [&] { return clock; };
  const auto timings = interleave(works, options);
  EXPECT_EQ(timings[0].seconds[2], 3);
  EXPECT_TRUE(std::isnan(timings[0].seconds[3]));
  EXPECT_EQ(timings[1].seconds[5], 1);
  EXPECT_EQ(ratio_of(timings[0], timings[1]).median, 3);
}

TEST(Interleave, SpreadsAreInterpolated) {
  const auto spread = spread_of({5, 1, kNone, 2, 4, 3});
  EXPECT_EQ(spread.min, 1);
  EXPECT_EQ(spread.median, 3);
  EXPECT_NEAR(spread.p5, 1.2, 1e-12);
  EXPECT_NEAR(spread.p95, 4.8, 1e-12);
  EXPECT_TRUE(std::isnan(spread_of({kNone}).median));
}

TEST(Interleave, RatiosAreOfTheSameRound) {
  // 2 / 1, 6 / 2 and 4 / 4; the quotient of the medians would be 2.
  const auto ratio = ratio_of({"a", {2, 6, 4}}, {"b", {1, 2, 4}});
  EXPECT_EQ(ratio.median, 2);
  EXPECT_EQ(ratio.min, 1);
}

TEST(Interleave, ASpreadAsATableIsInMilliseconds) {
  const Table table = cli::table_of({0.001, 0.002, 0.003, 0.004});
  EXPECT_DOUBLE_EQ(*table.find("min_ms")->if_real(), 1);
  EXPECT_DOUBLE_EQ(*table.find("p5_ms")->if_real(), 2);
  EXPECT_DOUBLE_EQ(*table.find("median_ms")->if_real(), 3);
  EXPECT_DOUBLE_EQ(*table.find("p95_ms")->if_real(), 4);
}

TEST(Interleave, MillisecondsHaveThreePlaces) { EXPECT_DOUBLE_EQ(cli::milliseconds(0.0012346), 1.235); }

}  // namespace
}  // namespace heterodyne::cli::interleave_test
