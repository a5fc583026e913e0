#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/mat_file.h"

namespace heterodyne::svhn_test {
namespace {

// Image n is black but for one pixel, of value 100 + n: red of image 0, green of image 1 and so on, in row 2, column 5.
io::MatArray images(int64_t count) {
  io::MatArray array{{32, 32, 3, count}, io::MatType::kUInt8, std::string(static_cast<size_t>(count * 3072), '\0')};
  for (int64_t n = 0; n < count; ++n)
    array.bytes[static_cast<size_t>(2 + 32 * 5 + 1024 * (n % 3) + 3072 * n)] = static_cast<char>(100 + n);
  return array;
}

io::MatArray labels(const std::string& digits) {
  return {{static_cast<int64_t>(digits.size()), 1}, io::MatType::kUInt8, digits};
}

std::string file_of(const io::MatArray& x, const io::MatArray& y, bool is_compressed = true) {
  return io::write_mat({{"X", x}, {"y", y}}, is_compressed);
}

std::unique_ptr<Dataset> make(const fixtures::TemporaryFolder& folder) {
  const Table settings{{"kind", "svhn"},
                       {"normalize", Table{{"mean", Array{0.0, 0.0, 0.0}}, {"std", Array{1.0, 1.0, 1.0}}}}};
  return datasets().make(Member(settings), DataContext{{folder.path()}, 0, {}, 1});
}

TEST(Svhn, ReadsImagesAndDigits) {
  for (const bool is_compressed : {false, true}) {
    const fixtures::TemporaryFolder folder;
    folder.put("svhn/train_32x32.mat", file_of(images(3), labels("\x01\x0a\x09"), is_compressed));
    folder.put("svhn/test_32x32.mat", file_of(images(1), labels("\x02"), is_compressed));
    const auto set = make(folder);
    EXPECT_TRUE(torch::equal(set->labels(Split::kTrain), torch::tensor({1, 0, 9}, torch::kInt64)));
    const auto batch = set->get(Split::kTrain, torch::arange(3));
    for (int64_t n = 0; n < 3; ++n) {
      EXPECT_NEAR(batch.inputs[n][n][2][5].item<double>(), static_cast<double>(100 + n) / 255, 1e-6);
      EXPECT_EQ(batch.inputs[n].count_nonzero().item<int64_t>(), 1);
    }
    EXPECT_EQ(set->size(Split::kTest), 1);
  }
}

std::string complaint_about(const std::string& file) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("svhn/train_32x32.mat", file);
  const auto message = fixtures::message_of<FormatError>([&] { make(folder); });
  return message.starts_with(path) ? message.substr(path.size()) : message;
}

TEST(Svhn, ATruncatedFileIsRefused) {
  const std::string whole = file_of(images(2), labels("\x01\x02")),
                    plain = file_of(images(2), labels("\x01\x02"), false);
  EXPECT_EQ(complaint_about(whole.substr(0, 60)), ": byte 60: expected a MAT-file's header of 128 bytes, got 60");
  EXPECT_NE(complaint_about(whole.substr(0, whole.size() - 5)).find("bytes more of an element"), std::string::npos);
  EXPECT_EQ(complaint_about(plain.substr(0, 3000)), ": byte 136: expected 6208 bytes more of an element, got 2864");
}

TEST(Svhn, OtherArraysAreRefused) {
  EXPECT_EQ(complaint_about(io::write_mat({{"X", images(1)}}, true)), ": expected arrays X and y, got no y");
  EXPECT_EQ(complaint_about(file_of(images(2), labels("\x01"))), ": y: expected 2 labels, one for each image, got 1");
  EXPECT_EQ(complaint_about(file_of(images(1), labels("\x0b"))), ": y: label of image 0: expected 1 .. 10, got 11");
  EXPECT_EQ(complaint_about(file_of({{2, 2}, io::MatType::kUInt8, "abcd"}, labels("\x01"))),
            ": X: expected bytes of [32, 32, 3, N], got [2, 2]");
}

}  // namespace
}  // namespace heterodyne::svhn_test
