#include "heterodyne/io/zip.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::io::zip_test {
namespace {

// One stored file "a" with the bytes "abc", whose CRC-32 is 352441c2: a local header of 30 bytes, name and content, the
// entry of 46 bytes and its name from byte 34 on, the end of 22 bytes.
std::string archive() {
  const std::string local("PK\x03\x04\x0a\0\0\0\0\0\0\0!\0", 14), checksum("\xC2\x41\x24\x35", 4);
  const std::string sizes("\x03\0\0\0\x03\0\0\0\x01\0", 10);
  const std::string first = local + checksum + sizes + std::string(2, '\0') + "a" + "abc";
  const std::string central =
      std::string("PK\x01\x02\x1e\x03\x0a\0\0\0\0\0\0\0!\0", 16) + checksum + sizes + std::string(16, '\0') + "a";
  std::string end("PK\x05\x06\0\0\0\0\x01\0\x01\0", 12);
  end += static_cast<char>(central.size()) + std::string(3, '\0');
  end += static_cast<char>(first.size()) + std::string(5, '\0');
  return first + central + end;
}

std::string refusal(const std::string& bytes) {
  return fixtures::message_of<FormatError>([&] { read_stored_zip(bytes, "x.zip"); });
}

TEST(Zip, ReadsStoredFiles) {
  const std::string bytes = archive();
  const auto files = read_stored_zip(bytes, "x.zip");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files.at("a"), "abc");
  EXPECT_EQ(read_stored_zip(std::string("PK\x05\x06") + std::string(18, '\0'), "x.zip").size(), 0U);
}

TEST(Zip, NamesTheByteAtFault) {
  const std::string whole = archive();
  EXPECT_EQ(refusal(""), "x.zip: byte 0: expected a zip archive, got something else or the beginning of one");
  EXPECT_NE(refusal(whole.substr(0, whole.size() - 1)).find("expected a zip archive"), std::string::npos);
  std::string changed = whole;
  changed[31] = 'x';  // the content
  EXPECT_EQ(refusal(changed).substr(0, 41), "x.zip: byte 31: a: expected the checksum ");
  changed = whole;
  changed[34 + 10] = 8;  // the method
  EXPECT_EQ(refusal(changed), "x.zip: byte 34: a: expected a stored file, got one compressed by method 8");
  changed = whole;
  changed[34 + 8] = 1;  // the flags
  EXPECT_EQ(refusal(changed), "x.zip: byte 34: a: expected a file that is not encrypted");
  changed = whole;
  changed[34 + 42] = 100;  // where the file begins
  EXPECT_EQ(refusal(changed).substr(0, 15), "x.zip: byte 100");
  changed = whole;
  changed[34] = 'Q';
  EXPECT_EQ(refusal(changed), "x.zip: byte 34: expected the entry of file 1 of 1");
}

}  // namespace
}  // namespace heterodyne::io::zip_test
