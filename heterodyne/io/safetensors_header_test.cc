#include "heterodyne/io/safetensors_header.h"

#include <gtest/gtest.h>

#include <random>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::safetensors_header_test {
namespace {

std::string file_of(const std::string& header, const std::string& values) {
  std::string length(8, '\0');
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return length + header + values;
}

std::string complaint(const std::string& file) {
  return fixtures::message_of<FormatError>([&] { parse_safetensors_header(file, "m"); });
}

// The complaint about a tensor "a" with these fields and `count` bytes of values.
std::string complaint(const std::string& fields, size_t count) {
  return complaint(file_of("{\"a\":{" + fields + "}}", std::string(count, 'x')));
}

TEST(SafetensorsHeader, ReadsNamesShapesAndPlaces) {
  const std::string text =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]},"e":{"dtype":"I64","shape":[0,3],"data_offsets":[9,9]}})";
  const auto header = parse_safetensors_header(file_of(text, std::string(9, '\0')), "m");
  EXPECT_EQ(header.metadata, (Table{{"format", "pt"}}));
  ASSERT_EQ(header.tensors.size(), 3U);
  EXPECT_EQ(header.tensors[0].first, "b");
  EXPECT_EQ(header.tensors[0].second.dtype, torch::kFloat32);
  EXPECT_EQ(header.tensors[0].second.sizes, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(header.tensors[1].second.begin, 8 + text.size() + 8);
  EXPECT_EQ(header.tensors[1].second.end, 8 + text.size() + 9);
  EXPECT_EQ(header.tensors[2].second.sizes, (std::vector<int64_t>{0, 3}));
}

TEST(SafetensorsHeader, AnEmptyFileOfTensorsIsSound) {
  EXPECT_TRUE(parse_safetensors_header(file_of("{}", ""), "m").tensors.empty());
}

TEST(SafetensorsHeader, AnImpossibleLengthIsRefused) {
  EXPECT_EQ(complaint(std::string("\0\0\0\0\0\1\0\0", 8).append(200, ' ')),
            "m: byte 0: header length: expected at most 104,857,600, got 1,099,511,627,776; the file is damaged or not "
            "safetensors");
  EXPECT_EQ(complaint(std::string("\x09\0\0\0\0\0\0\0{}", 10)),
            "m: byte 0: header length: expected at most 2, the rest of the file, got 9; the file is damaged or not "
            "safetensors");
  EXPECT_EQ(complaint(std::string(8, '\xff')),
            "m: byte 0: header length: expected at most 104,857,600, got 18446744073709551615; the file is damaged or "
            "not safetensors");
  EXPECT_EQ(complaint("abc"), "m: byte 3: expected a header length of 8 bytes, got 3");
  EXPECT_EQ(complaint(""), "m: byte 0: expected a header length of 8 bytes, got 0");
}

TEST(SafetensorsHeader, TheHeaderMustBeATableOfTables) {
  EXPECT_EQ(complaint(file_of("[]", "")), "m: byte 8: header: expected \"{\"; the file is damaged or not safetensors");
  EXPECT_EQ(complaint(file_of("{\"a\"", "")).substr(0, 19), "m: byte 12: syntax ");
  EXPECT_EQ(complaint(file_of("{\"a\":1}", "")),
            "m: byte 9: tensor \"a\": value: expected a table, got a whole number");
  EXPECT_EQ(complaint(file_of("{\"__metadata__\":1}", "")),
            "m: byte 8: __metadata__: expected a table, got a whole number");
  EXPECT_EQ(complaint(file_of("{\"__metadata__\":{\"a\":1}}", "")),
            "m: byte 8: __metadata__: a: expected text, got a whole number");
  EXPECT_NE(complaint(file_of(R"({"a":{},"a":{}})", "")).find("occurs twice"), std::string::npos);
  EXPECT_NE(complaint(file_of("{\"a\":{\"shape\":[[[0]]]}}", "")).find("levels"), std::string::npos);
}

TEST(SafetensorsHeader, EveryFieldIsChecked) {
  EXPECT_EQ(complaint(R"("shape":[1],"data_offsets":[0,4])", 4),
            "m: byte 9: tensor \"a\": dtype: expected text, got nothing");
  EXPECT_EQ(complaint(R"("dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1])", 1),
            "m: byte 9: tensor \"a\": dtype: expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, got "
            "\"F8_E4M3\"");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])", 4),
            "m: byte 9: tensor \"a\": shape: expected whole numbers from 0, got -1");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":1,"data_offsets":[0,4])", 4),
            "m: byte 9: tensor \"a\": shape: expected a list, got a whole number");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[1])", 4),
            "m: byte 9: tensor \"a\": data_offsets: expected a list, got nothing");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])", 8),
            "m: byte 9: tensor \"a\": data_offsets: expected 2 numbers, got 3");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])", 4),
            "m: byte 9: tensor \"a\": data_offsets: expected the first not above the second, got 4, 0");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", 3),
            "m: byte 9: tensor \"a\": data_offsets: expected at most 3, the end of the file, got 4");
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])", 8),
            "m: byte 9: tensor \"a\": data_offsets: expected 12 bytes for this dtype and shape, got 8");
}

TEST(SafetensorsHeader, ShapesThatOverflowAreRefused) {
  const std::string message = "m: byte 9: tensor \"a\": shape: expected fewer than 2^63 bytes, got more";
  EXPECT_EQ(complaint(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])", 0), message);
  EXPECT_EQ(complaint(R"("dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0])", 0), message);
  EXPECT_EQ(complaint(R"("dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0])", 0), message);
}

TEST(SafetensorsHeader, TensorsMustLieSideBySide) {
  const auto two = [](const char* first, const char* second, size_t count) {
    return complaint(file_of(std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + first +
                                 R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                             std::string(count, 'x')));
  };
  // The values begin at byte 8 + 105.
  EXPECT_EQ(two("[0,4]", "[4,8]", 8), "nothing was thrown");
  EXPECT_EQ(two("[4,8]", "[0,4]", 8), "nothing was thrown") << "the header may name them in any order";
  EXPECT_EQ(two("[0,4]", "[2,6]", 6),
            "m: byte 115: tensor \"b\": expected to begin at byte 117, got 115: tensors overlap");
  EXPECT_EQ(two("[0,4]", "[6,10]", 10).substr(0, 12), "m: byte 118:");
  EXPECT_EQ(two("[1,5]", "[5,9]", 9),
            "m: byte 113: tensor \"a\": expected to begin at byte 113, got 114: there is a gap");
  EXPECT_EQ(two("[0,4]", "[4,8]", 11), "m: byte 121: expected the end of the file, got 3 more bytes");
}

TEST(SafetensorsHeader, WritesWhatItReads) {
  SafetensorsHeader header;
  header.metadata = Table{{"format", "pt"}};
  header.tensors = {{"w", {torch::kFloat32, {2, 3}}}, {"é\"", {torch::kBool, {}}}};
  const std::string written = write_safetensors_header(header);
  const std::string text = R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                           R"("é\"":{"dtype":"BOOL","shape":[],"data_offsets":[24,25]}})";
  EXPECT_EQ(written.substr(8, text.size()), text);
  EXPECT_EQ(written.size() % 8, 0U);
  EXPECT_EQ(written.substr(8 + text.size()), std::string(written.size() - 8 - text.size(), ' '));
  const auto back = parse_safetensors_header(written + std::string(25, '\0'), "m");
  ASSERT_EQ(back.tensors.size(), 2U);
  EXPECT_EQ(back.tensors[1].first, "é\"");
  EXPECT_EQ(back.tensors[1].second.begin, header.tensors[1].second.begin);
  EXPECT_EQ(back.metadata, header.metadata);
}

TEST(SafetensorsHeader, DamageIsReadOrRefused) {
  SafetensorsHeader header;
  header.metadata = Table{{"k", "v"}};
  header.tensors = {
      {"one", {torch::kFloat32, {2, 3}}}, {"two", {torch::kInt16, {1}}}, {"none", {torch::kFloat64, {0}}}};
  const std::string whole = write_safetensors_header(header) + std::string(26, '\1');
  ASSERT_NO_THROW(parse_safetensors_header(whole, "m"));
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(parse_safetensors_header(whole.substr(0, length), "m"), FormatError) << length;
  }
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = whole;
    for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    try {
      for (const auto& [name, info] : parse_safetensors_header(damaged, "m").tensors) {
        ASSERT_LE(info.end, damaged.size()) << "seed " << seed;
      }
    } catch (const FormatError&) {
    }
  }
}

}  // namespace
}  // namespace heterodyne::io::safetensors_header_test
