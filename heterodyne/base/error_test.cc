#include "heterodyne/base/error.h"

#include <gtest/gtest.h>

namespace heterodyne::error_test {
namespace {

TEST(Error, SaysWhereAndWhat) {
  EXPECT_STREQ(ConfigError("router.top_k", "k", "expected at most num_experts = 8, got 16").what(),
               "[router.top_k] k: expected at most num_experts = 8, got 16");
  EXPECT_STREQ(ShapeError("layers.0", "input: expected [T, 512], got [64, 256]").what(),
               "[layers.0] input: expected [T, 512], got [64, 256]");
}

TEST(Error, AConfigErrorTakesThePositionOfItsSetting) {
  const ConfigError plain("router.top_k", "k", "expected at most num_experts = 4, got 8");
  EXPECT_FALSE(plain.has_position());
  const ConfigError placed = plain.at({"my.toml", 15, 28}, "model.moe.router");
  EXPECT_TRUE(placed.has_position());
  EXPECT_STREQ(placed.what(), "my.toml:15:28: [model.moe.router] k: expected at most num_experts = 4, got 8");
}

TEST(Error, AFormatErrorNamesFileAndByte) {
  EXPECT_STREQ(FormatError::in_file("a.bin", 17, "expected 2, got 3").what(), "a.bin: byte 17: expected 2, got 3");
}

TEST(Error, AFailedInternalCheckThrows) {
  EXPECT_THROW(internal::dcheck_failed("a == b", "file.cc", 3), std::logic_error);
}

}  // namespace
}  // namespace heterodyne::error_test
