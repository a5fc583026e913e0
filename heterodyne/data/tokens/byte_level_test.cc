#include "heterodyne/data/tokens/byte_level.h"

#include <gtest/gtest.h>

#include <set>

namespace heterodyne::byte_level_test {
namespace {

using namespace tokens;

// 0x20 is the 33rd byte that does not stand for itself: after 0x00 .. 0x1F.
TEST(ByteLevel, CharactersStandForBytes) {
  EXPECT_EQ(to_byte_characters(" a\n"), "\u0120a\u010a");
  EXPECT_EQ(to_byte_characters("\u00e9"), "\u00c3\u00a9");
  EXPECT_EQ(to_byte_characters("\xAD\xFF"), "\u0143\u00ff");
  EXPECT_EQ(std::set<std::string>(byte_characters().begin(), byte_characters().end()).size(), 256U);
}

TEST(ByteLevel, AllBytesComeBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(from_byte_characters(to_byte_characters(all)), all);
  EXPECT_EQ(from_byte_characters("a\u2581"), "a\u2581");
}

}  // namespace
}  // namespace heterodyne::byte_level_test
