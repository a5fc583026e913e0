#include "cli/bench/machine.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::cli::machine_test {
namespace {

TEST(Machine, RatesAreOfTheFastestTurn) {
  // 2 x 768^3 operations in half a second, 64 MiB read in a quarter, read and written in an eighth.
  const auto rates =
      machine_rates({{"layer", {9}}, {"mm", {1, 0.5}}, {"linear", {2, 1}}, {"read", {0.25, 1}}, {"copy", {0.125}}});
  EXPECT_EQ(rates.libtorch_product, 4.0 * 768 * 768 * 768);
  EXPECT_EQ(rates.own_product, 2.0 * 768 * 768 * 768);
  EXPECT_EQ(rates.product, rates.libtorch_product);
  EXPECT_EQ(rates.read, 4.0 * 64 * 1024 * 1024);
  EXPECT_EQ(rates.copy, 16.0 * 64 * 1024 * 1024);
}

TEST(Machine, SharesOfReadingAreOfTurns) {
  // Reading takes 1, 2 and 4 s; twice as many bytes 4, 4 and 10: shares 0.5, 1 and 0.8. Of the fastest reading and the
  // median turn it would be 0.5.
  const auto rates = machine_rates({{"read", {1, 2, 4}}});
  EXPECT_DOUBLE_EQ(rates.share_of_reading(2 * kBytesRead, {"text", {4, 4, 10}}), 0.8);
  const double sat_out = std::nan("");
  EXPECT_DOUBLE_EQ(rates.share_of_reading(2 * kBytesRead, {"text", {4, sat_out, sat_out}}), 0.5);
}

TEST(Machine, ItsWorksCanBeTimed) {
  InterleaveOptions options{1, 0};
  const auto rates = machine_rates(interleave(machine_works(), options));
  for (const double rate : {rates.libtorch_product, rates.own_product, rates.read, rates.copy}) EXPECT_GT(rate, 1e8);
}

}  // namespace
}  // namespace heterodyne::cli::machine_test
