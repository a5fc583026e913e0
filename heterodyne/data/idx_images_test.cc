#include "heterodyne/data/idx_images.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::idx_images_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;
using namespace std::string_literals;

std::string images_file(int count, char side = 28) {
  std::string file = "\0\0\x08\x03\0\0\0"s + static_cast<char>(count) + "\0\0\0"s + side + "\0\0\0"s + side;
  for (int n = 0; n < count; ++n)
    file += std::string(static_cast<size_t>(side) * static_cast<size_t>(side), static_cast<char>(n + 1));
  return file;
}

std::string labels_file(const std::string& labels) {
  return "\0\0\x08\x01\0\0\0"s + static_cast<char>(labels.size()) + labels;
}

class IdxImagesTest : public ::testing::Test {
 protected:
  IdxImagesTest() {
    folder_.put("train-images-idx3-ubyte", images_file(3));
    folder_.put("train-labels-idx1-ubyte", labels_file("\7\0\x09"s));
  }
  std::string complaint() const {
    return message_of<FormatError>([&] { read_idx_images(folder_.path(), "train"); });
  }

  TemporaryFolder folder_;
};

TEST_F(IdxImagesTest, ReadsImagesAndLabels) {
  const auto set = read_idx_images(folder_.path(), "train");
  EXPECT_EQ(set.pixel_NCHW.sizes(), (std::vector<int64_t>{3, 1, 28, 28}));
  EXPECT_TRUE(set.pixel_NCHW[1].eq(2).all().item<bool>());
  EXPECT_TRUE(torch::equal(set.label_N, torch::tensor({7, 0, 9})));
}

TEST_F(IdxImagesTest, ALabelOutOfRangeIsNamedWithItsByte) {
  const auto path = folder_.put("train-labels-idx1-ubyte", labels_file("\7\x0a\x09"s));
  EXPECT_EQ(complaint(), path + ": byte 9: label: expected 0 .. 9, got 10");
}

TEST_F(IdxImagesTest, AsManyLabelsAsImages) {
  const auto path = folder_.put("train-labels-idx1-ubyte", labels_file("\7\0"s));
  EXPECT_EQ(complaint(), path + ": byte 4: count: expected 3 labels, one for each image, got 2");
}

TEST_F(IdxImagesTest, ImagesAre28By28) {
  const auto path = folder_.put("train-images-idx3-ubyte", images_file(3, 27));
  EXPECT_EQ(complaint(), path + ": byte 8: image size: expected 28 x 28, got 27 x 27");
}

TEST_F(IdxImagesTest, TheTwoFilesMayNotBeSwapped) {
  const auto path = folder_.put("train-images-idx3-ubyte", labels_file("\7\0\x09"s));
  EXPECT_EQ(complaint(), path + ": byte 3: dimensions: expected 3, got 1");
}

TEST_F(IdxImagesTest, AWrongMagicIsNamed) {
  const auto path = folder_.put("train-images-idx3-ubyte", "PK\3\4");
  EXPECT_EQ(complaint(), path + ": byte 0: magic: expected 0x00000801 to 0x00000804, unsigned bytes, got 0x504b0304");
}

TEST_F(IdxImagesTest, ATruncatedGzipIsNamed) {
  std::filesystem::remove(folder_ / "train-images-idx3-ubyte");
  const auto path = folder_.put("train-images-idx3-ubyte.gz", "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\0"s);
  EXPECT_EQ(complaint(), path + ": byte 13: expected more of the gzip stream, got the end of the file");
}

TEST_F(IdxImagesTest, AMissingFileIsNamed) {
  std::filesystem::remove(folder_ / "train-labels-idx1-ubyte");
  EXPECT_EQ(complaint(), folder_ / "train-labels-idx1-ubyte" + ": not found (also tried .gz, .xz)");
}

TEST_F(IdxImagesTest, MakesADatasetWhoseTestPartMayBeMissing) {
  const IdxImages files{"x",
                        {std::filesystem::path(folder_.path()).filename().string()},
                        "ask",
                        {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
  const auto dataset =
      make_idx_dataset(files, {.normalize = {{0.5}, {0.5}}}, {.folders = {folder_.path()}, .validation = 0, .log = {}});
  EXPECT_EQ(dataset->size(Split::kTrain), 3);
  EXPECT_EQ(message_of<FormatError>([&] { dataset->size(Split::kTest); }),
            folder_ / "t10k-images-idx3-ubyte" + ": not found (also tried .gz, .xz)");
}

}  // namespace
}  // namespace heterodyne::idx_images_test
