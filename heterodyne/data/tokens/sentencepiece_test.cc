#include "heterodyne/data/tokens/sentencepiece.h"

#include <gtest/gtest.h>

#include <bit>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::sentencepiece_test {
namespace {

using namespace tokens;
using Ids = std::vector<int64_t>;
using Type = SentencePieceModel::Type;

std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}

std::string number(int field_number, int value) {
  std::string key;  // field numbers from 16 on take two bytes
  const int full = field_number << 3;
  if (full < 128) key = std::string(1, static_cast<char>(full));
  else key = {static_cast<char>((full & 127) | 128), static_cast<char>(full >> 7)};
  return key + static_cast<char>(value);
}

std::string piece(const std::string& text, float score, Type type) {
  const auto bits = std::bit_cast<uint32_t>(score);
  std::string bytes = field(1, text) + static_cast<char>(2 << 3 | 5);
  for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(bits >> (8 * i));
  return field(1, bytes + number(3, static_cast<int>(type)));
}

// Ids: <unk> 0, <s> 1, then the pieces; ab is merged before bc.
std::string model(int kind = 2, const std::string& more = "") {
  const std::string space = "\u2581";
  return piece("<unk>", 0, Type::kUnknown) + piece("<s>", 0, Type::kControl) + piece(space, -9, Type::kNormal) +
         piece("a", -8, Type::kNormal) + piece("b", -7, Type::kNormal) + piece("c", -6, Type::kNormal) +
         piece("bc", -2, Type::kNormal) + piece("ab", -1, Type::kNormal) + piece(space + "ab", -3, Type::kNormal) +
         more + field(2, number(3, kind)) + field(3, number(4, 0));
}

TEST(SentencePiece, MergesTheBestPiece) {
  const auto [tokenizer, vocabulary] = make_sentencepiece(model(), "m.model");
  EXPECT_EQ(vocabulary.size(), 9U);
  EXPECT_EQ(tokenizer->encode("abc", "here"), (Ids{8, 5}));
  EXPECT_EQ(tokenizer->encode("bc  ab", "here"), (Ids{2, 6, 2, 8}));
  EXPECT_EQ(tokenizer->encode("xyb", "here"), (Ids{2, 0, 4}));
  EXPECT_TRUE(tokenizer->encode("", "here").empty());
  EXPECT_EQ(tokenizer->framed(Ids{8}).ids, (Ids{1, 8}));
}

TEST(SentencePiece, SpecialSymbolsInTheTextAreText) {
  const auto tokenizer = make_sentencepiece(model(), "m.model").tokenizer;
  EXPECT_EQ(tokenizer->encode("<s>", "here"), (Ids{2, 0}));
  EXPECT_EQ(tokenizer->decode({1, 8, 2, 5, 0}, true), "ab c \u2047 ");
  EXPECT_EQ(tokenizer->decode({8, 9, 5}, true) + tokenizer->piece(70, 71), "abc") << "a model may have more symbols";
}

TEST(SentencePiece, RefusesWhatItCannotRead) {
  const auto refusal = [](const std::string& bytes) {
    return fixtures::message_of<FormatError>([&] { make_sentencepiece(bytes, "m.model"); });
  };
  EXPECT_NE(refusal(model(1)).find("model type: expected byte pair encoding (2), got 1"), std::string::npos);
  EXPECT_NE(refusal(model(2, piece("a", 0, Type::kNormal))).find("expected a piece once, got \"a\" twice"),
            std::string::npos);
  EXPECT_NE(refusal(model(2, piece("z", 0, Type::kUnused))).find("got an unused one"), std::string::npos);
  EXPECT_NE(refusal(model(2, piece("z", 0, Type::kByte))).find("expected a byte as <0x00>, got \"z\""),
            std::string::npos);
  EXPECT_NE(refusal(model(2, piece("\xFF", 0, Type::kNormal))).find("expected a piece of UTF-8 text"),
            std::string::npos);
  EXPECT_NE(refusal(model().substr(0, 40)).find("cut short or damaged"), std::string::npos);
  EXPECT_EQ(refusal(""), "m.model: expected a SentencePiece model with an unknown piece; the file is none");
  EXPECT_NE(refusal(field(3, field(2, "x"))).find("normalisation: expected identity, got a table"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::sentencepiece_test
