#include "heterodyne/io/idx.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::idx_test {
namespace {

using namespace std::string_literals;

std::string complaint(const std::string& file) {
  return fixtures::message_of<FormatError>([&] { parse_idx(file, "f"); });
}

// Two images of 2 x 3 by the description of the format in LeCun's page: magic, three big-endian sizes, values.
const std::string kTwoImages =
    "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\3"
    "abcdefghijkl"s;

TEST(Idx, ReadsSizesAndValues) {
  const auto images = parse_idx(kTwoImages, "f");
  EXPECT_EQ(images.sizes, (std::vector<int64_t>{2, 2, 3}));
  EXPECT_EQ(images.bytes, "abcdefghijkl");
  const auto labels = parse_idx("\0\0\x08\x01\0\0\x01\0"s + std::string(256, '\7'), "f");
  EXPECT_EQ(labels.sizes, (std::vector<int64_t>{256}));
}

TEST(Idx, AWrongMagicIsNamed) {
  EXPECT_EQ(complaint("\0\0\x0d\x03\0\0\0\0"s),
            "f: byte 0: magic: expected 0x00000801 to 0x00000804, unsigned bytes, got 0x00000d03");
  EXPECT_EQ(complaint("\0\0\x08\x05\0\0\0\0"s),
            "f: byte 0: magic: expected 0x00000801 to 0x00000804, unsigned bytes, got 0x00000805");
  EXPECT_EQ(complaint("PK"), "f: byte 2: expected a magic of 4 bytes, got 2");
}

TEST(Idx, SizesMustSayHowManyBytesFollow) {
  EXPECT_EQ(complaint(kTwoImages + "m"), "f: byte 16: values: expected 12 bytes, got 13");
  EXPECT_EQ(complaint("\0\0\x08\x04"s + std::string(16, '\xff')),
            "f: byte 12: size: expected fewer than 2^64 values in all");
}

TEST(Idx, CutShortAnywhereItIsRefused) {
  for (size_t length = 0; length < kTwoImages.size(); ++length) {
    EXPECT_THROW(parse_idx(kTwoImages.substr(0, length), "f"), FormatError) << length;
  }
}

TEST(Idx, WritesWhatItReads) {
  EXPECT_EQ(write_idx(parse_idx(kTwoImages, "f")), kTwoImages);
  EXPECT_EQ(write_idx({{258}, std::string(258, 'x')}).substr(0, 8), "\0\0\x08\x01\0\0\1\2"s);
}

}  // namespace
}  // namespace heterodyne::io::idx_test
