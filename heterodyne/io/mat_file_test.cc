#include "heterodyne/io/mat_file.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::io::mat_file_test {
namespace {

using namespace std::string_literals;

constexpr uint64_t kLimit = 1 << 20;

std::string header() { return "MATLAB 5.0 MAT-file" + std::string(97, ' ') + std::string(8, '\0') + "\x00\x01IM"s; }

// "MAT-File Format", chapter 1, example of a matrix, by hand: a = [1 2; 3 4] as doubles that are stored as bytes, its
// name and its values in small elements.
std::string beginning_by_hand() {
  return "\x0e\0\0\0\x28\0\0\0"s                       // matrix, 40 bytes
         "\x06\0\0\0\x08\0\0\0\x06\0\0\0\0\0\0\0"s     // flags: double
         "\x05\0\0\0\x08\0\0\0\x02\0\0\0\x02\0\0\0"s;  // sizes 2, 2
}

std::string by_hand() {
  std::string matrix = beginning_by_hand();
  matrix +=
      "\x01\0\x01\0"
      "a\0\0\0"s;  // name, small: one byte
  matrix +=
      "\x02\0\x04\0"
      "\x01\x03\x02\x04"s;  // values, small: four bytes, column by column
  matrix[4] = static_cast<char>(matrix.size() - 8);
  return header() + matrix;
}

TEST(MatFile, ReadsAMatrixWrittenByHand) {
  const auto arrays = parse_mat(by_hand(), "f.mat", kLimit);
  ASSERT_TRUE(arrays.contains("a"));
  EXPECT_EQ(arrays.at("a").sizes, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(arrays.at("a").whole_numbers("a"), (std::vector<int64_t>{1, 3, 2, 4}));
}

TEST(MatFile, ReadsWhatItWrites) {
  const double values[] = {1, -2, 3};
  const MatArray doubles{{3, 1}, MatType::kDouble, std::string(reinterpret_cast<const char*>(values), sizeof values)};
  const MatArray bytes{{1, 2, 5}, MatType::kUInt8, "abcdefghij"};
  for (const bool is_compressed : {false, true}) {
    const auto arrays = parse_mat(write_mat({{"long_name", doubles}, {"b", bytes}}, is_compressed), "f.mat", kLimit);
    ASSERT_EQ(arrays.size(), 2U);
    EXPECT_EQ(arrays.at("long_name").whole_numbers("y"), (std::vector<int64_t>{1, -2, 3}));
    EXPECT_EQ(arrays.at("b").bytes, bytes.bytes);
    EXPECT_EQ(arrays.at("b").sizes, bytes.sizes);
    EXPECT_EQ(arrays.at("b").count(), 10);
  }
}

std::string complaint_about(const std::string& file, uint64_t limit = kLimit) {
  return fixtures::message_of<FormatError>([&] { parse_mat(file, "f.mat", limit); });
}

TEST(MatFile, OtherFilesAreRefused) {
  EXPECT_EQ(complaint_about("short"), "f.mat: byte 5: expected a MAT-file's header of 128 bytes, got 5");
  EXPECT_EQ(complaint_about("MATLAB 7.3" + std::string(200, ' ')),
            "f.mat: byte 0: expected a MAT-file of level 5, got one of version 7.3, which is HDF5");
  EXPECT_EQ(complaint_about(std::string(200, ' ')), "f.mat: byte 126: expected a MAT-file of level 5");
  auto big = header();
  big[126] = 'M', big[127] = 'I';
  EXPECT_EQ(complaint_about(big), "f.mat: byte 126: expected a little-endian file, got a big-endian");
}

// A file that ends anywhere inside gives an error, never another array.
TEST(MatFile, EveryBeginningOfAFileIsRefused) {
  const MatArray bytes{{1, 10}, MatType::kUInt8, "abcdefghij"};
  for (const bool is_compressed : {false, true}) {
    const std::string whole = write_mat({{"b", bytes}}, is_compressed);
    // Of a plain one the last six bytes are padding.
    for (size_t size = 129; size < whole.size() - (is_compressed ? 0 : 6); ++size)
      EXPECT_THROW(parse_mat(whole.substr(0, size), "f.mat", kLimit), FormatError) << size;
  }
}

TEST(MatFile, DamageIsNamed) {
  auto damaged = write_mat({{"b", {{1, 4}, MatType::kUInt8, "abcd"}}}, true);
  damaged[140] = static_cast<char>(damaged[140] ^ 0x55);
  EXPECT_NE(complaint_about(damaged).find("zlib"), std::string::npos) << complaint_about(damaged);
  EXPECT_NE(complaint_about(write_mat({{"b", {{1, 9000}, MatType::kUInt8, std::string(9000, 'x')}}}, true), 100)
                .find("expected to expand to at most 100 bytes"),
            std::string::npos);
  EXPECT_NE(complaint_about(write_mat({{"b", {{1, 5}, MatType::kUInt8, "abcd"}}}, false))
                .find("b: expected 5 values of 1 bytes, got 4 bytes"),
            std::string::npos);
}

TEST(MatFile, NumbersThatAreNotWholeAreNoLabels) {
  const double half = 0.5;
  const MatArray array{{1, 1}, MatType::kDouble, std::string(reinterpret_cast<const char*>(&half), sizeof half)};
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { array.whole_numbers("f.mat: y"); }),
            "[f.mat: y] expected whole numbers, got 0.5");
}

}  // namespace
}  // namespace heterodyne::io::mat_file_test
