#include "heterodyne/io/protobuf.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::io::protobuf_test {
namespace {

// The first two messages are the examples of the format's description: field 1 is 150, field 2 is "testing".
TEST(Protobuf, ReadsTheExamplesOfItsDescription) {
  const std::string bytes("\x08\x96\x01\x12\x07testing\x1D\x00\x00\xC0\x3F", 17);
  ProtobufReader reader(bytes, "x.pb", 100);
  ProtobufField field;
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.number, 1U);
  EXPECT_EQ(field.value, 150U);
  EXPECT_FALSE(field.has_bytes);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.number, 2U);
  EXPECT_EQ(field.bytes, "testing");
  EXPECT_EQ(field.at, 103U);
  EXPECT_EQ(field.bytes_at, 105U);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(float_of(field), 1.5F);
  EXPECT_FALSE(reader.next(field));
}

TEST(Protobuf, NamesTheByteAtFault) {
  const auto refusal = [](const std::string& bytes) {
    return fixtures::message_of<FormatError>([&] {
      ProtobufReader reader(bytes, "x.pb");
      for (ProtobufField field; reader.next(field);) continue;
    });
  };
  EXPECT_EQ(refusal("\x08\x96"), "x.pb: byte 2: expected more bytes of a number, got the end");
  EXPECT_EQ(refusal("\x12\x05"
                    "abc"),
            "x.pb: byte 2: expected 5 bytes of a field, got 3; the file is cut short or damaged");
  EXPECT_EQ(refusal("\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01").substr(0, 43),
            "x.pb: byte 11: expected 1844674407370955161");
  EXPECT_EQ(refusal(std::string("\x08") + std::string(11, '\xFF')),
            "x.pb: byte 11: expected a number of at most 10 bytes, got a longer one");
  EXPECT_EQ(refusal("\x1D"
                    "ab"),
            "x.pb: byte 1: expected 4 bytes of a number, got the end");
  EXPECT_EQ(refusal(std::string(2, '\0')),
            "x.pb: byte 1: expected a field's number above 0, got 0; the file is damaged or of another kind");
  EXPECT_EQ(refusal("\x0B"),
            "x.pb: byte 1: expected a field of kind 0, 1, 2 or 5, got 3; the file is damaged or of another kind");
}

}  // namespace
}  // namespace heterodyne::io::protobuf_test
