#include "heterodyne/io/image_file.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::image_file_test {
namespace {

// A portable pixmap: 2 x 1 pixels, (1, 2, 3) and (4, 5, 6).
TEST(ImageFile, ReadsColours) {
  const fixtures::TemporaryFolder folder;
  const auto image = read_image(folder.put("a.ppm", std::string("P6 2 1 255\n\1\2\3\4\5\6", 17)));
  EXPECT_EQ(image.sizes(), (std::vector<int64_t>{3, 1, 2}));
  EXPECT_TRUE(torch::equal(image.view({3, 2}), torch::tensor({{1, 4}, {2, 5}, {3, 6}}, torch::kUInt8)));
}

TEST(ImageFile, ReadsGreys) {
  const fixtures::TemporaryFolder folder;
  const auto image = read_image(folder.put("a.pgm", "P5 2 2 255\nabcd"));
  EXPECT_EQ(image.sizes(), (std::vector<int64_t>{1, 2, 2}));
  EXPECT_EQ(image[0][1][1].item<int64_t>(), 'd');
}

// The header has 21 bytes with its comment, the pixels four.
TEST(ImageFile, APixmapThatEndsTooEarlyIsDamaged) {
  const fixtures::TemporaryFolder folder;
  const std::string whole = "P5 # grey\n2 2 # \n255\nabcd";
  EXPECT_EQ(read_image(folder.put("whole.pgm", whole))[0][1][1].item<int64_t>(), 'd');
  for (const size_t missing : {1, 4}) {
    const auto message = fixtures::message_of<FormatError>(
        [&] { read_image(folder.put("cut.pgm", whole.substr(0, whole.size() - missing))); });
    EXPECT_NE(message.find("damaged picture: expected at least 25 bytes, got " + std::to_string(25 - missing)),
              std::string::npos)
        << message;
  }
}

// 1 x 2 pixels of 24 bits, rows of four bytes from the bottom: blue, green, red, nothing.
TEST(ImageFile, ABitmapThatEndsTooEarlyIsDamaged) {
  const fixtures::TemporaryFolder folder;
  std::string whole("BM\x3e\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\2\0\0\0\1\0\x18\0", 30);
  whole.resize(54);
  whole += std::string("\1\2\3\0\4\5\6\0", 8);
  const auto image = read_image(folder.put("whole.bmp", whole));
  EXPECT_TRUE(torch::equal(image.view({3, 2}), torch::tensor({{6, 3}, {5, 2}, {4, 1}}, torch::kUInt8)));
  const auto message =
      fixtures::message_of<FormatError>([&] { read_image(folder.put("cut.bmp", whole.substr(0, whole.size() - 5))); });
  EXPECT_NE(message.find("damaged picture: expected at least 62 bytes, got 57"), std::string::npos) << message;
}

// One pixel of the second of two colours.
TEST(ImageFile, AGifWithoutItsEndIsDamaged) {
  const fixtures::TemporaryFolder folder;
  const std::string whole("GIF87a\1\0\1\0\x80\0\0\0\0\0\1\2\3,\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0;", 35);
  EXPECT_TRUE(
      torch::equal(read_image(folder.put("whole.gif", whole)).flatten(), torch::tensor({1, 2, 3}, torch::kUInt8)));
  EXPECT_NO_THROW(read_image(folder.put("padded.gif", whole + std::string(3, '\0'))));
  const auto message =
      fixtures::message_of<FormatError>([&] { read_image(folder.put("cut.gif", whole.substr(0, 33))); });
  EXPECT_NE(message.find("expected the end mark of a GIF"), std::string::npos) << message;
}

TEST(ImageFile, RefusesWhatIsNoPicture) {
  const fixtures::TemporaryFolder folder;
  EXPECT_THROW(read_image(folder / "missing.png"), FormatError);
  EXPECT_THROW(read_image(folder.put("a.txt", "hello")), FormatError);
  EXPECT_THROW(read_image(folder.put("empty.png", "")), FormatError);
  // A TGA file's header, for 16 x 16 pixels of which there are none.
  const std::string header{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 16, 0, 24, 0};
  EXPECT_THROW(read_image(folder.put("short.png", header)), FormatError);
  const auto huge =
      fixtures::message_of<FormatError>([&] { read_image(folder.put("b.ppm", "P6 100000 100000 255\nx")); });
  EXPECT_NE(huge.find("100000 x 100000"), std::string::npos) << huge;
}

}  // namespace
}  // namespace heterodyne::io::image_file_test
