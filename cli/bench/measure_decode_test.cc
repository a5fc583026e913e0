#include "cli/bench/measure_decode.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::measure_decode_test {
namespace {

cli::LayerShape small() {
  cli::LayerShape shape;
  shape.id = "small";
  shape.tokens = 2;
  shape.width = 64;
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", 64}, {"count", 8}})};
  return shape;
}

TEST(MeasureDecode, TellsEveryFormatOfItsBytes) {
  cli::InterleaveOptions options;
  options.rounds = 2;
  const auto result = cli::measure_decode(small(), options);
  ASSERT_EQ(result.formats.size(), 5U);
  const double gate = 4 * 64 * 8, expert = 4 * 3 * 64 * 64;
  const double read = (result.of("float32").bytes - gate) / expert;  // experts, of two tokens with two each
  EXPECT_GE(read, 2);
  EXPECT_LE(read, 4);
  EXPECT_NEAR(result.of("bf16").bytes, gate + read * expert / 2, 1);
  EXPECT_NEAR(result.of("int8").bytes, gate + read * expert * (1.0 / 4 + 1.0 / 64), 1);
  EXPECT_NEAR(result.of("loop").bytes, result.of("float32").bytes, 1);
  for (const auto& format : result.formats) {
    EXPECT_EQ(format.timing.seconds.size(), 2U) << format.name;
    EXPECT_GT(result.share_of_memory(format), 0) << format.name;
  }
  EXPECT_EQ(cli::decode_rows({result}).rows.size(), 5U);
  EXPECT_EQ(cli::decode_objects({result}).size(), 5U);
}

TEST(MeasureDecode, PartsAreTimedBesideTheWhole) {
  cli::InterleaveOptions options;
  options.rounds = 1;
  auto shape = small();
  shape.divided = true;
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", Array{32, 64, 96}}})};
  const auto result = cli::measure_decode(shape, options);
  ASSERT_EQ(result.formats.size(), 7U);
  const double gate = 4 * 64;
  EXPECT_NEAR(result.of("dense").bytes, gate + 4 * 3 * 64 * (32 + 64 + 96), 1);
  EXPECT_NEAR(result.of("dense bf16").bytes, gate + 2 * 3 * 64 * (32 + 64 + 96), 1);
  shape.experts = {Member(Table{{"kind", "mlp"}, {"hidden", 64}, {"count", 4}})};
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { cli::measure_decode(shape, options); }),
            "shape small: divided: expected experts of kind swiglu alone");
}

TEST(MeasureDecode, OtherKindsHaveNoLoop) {
  cli::InterleaveOptions options;
  options.rounds = 1;
  auto shape = small();
  shape.experts = {Member(Table{{"kind", "mlp"}, {"hidden", 64}, {"count", 4}})};
  const auto result = cli::measure_decode(shape, options);
  EXPECT_EQ(result.formats.size(), 4U);
  EXPECT_EQ(fixtures::message_of<Error>([&] { result.of("loop"); }),
            "bench: small: expected a time of \"loop\", there is none");
}

}  // namespace
}  // namespace heterodyne::measure_decode_test
