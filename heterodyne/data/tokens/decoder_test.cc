#include "heterodyne/data/tokens/decoder.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"

namespace heterodyne::decoder_test {
namespace {

using Symbols = std::vector<std::string>;

tokens::Decoder decoder_of(const std::string& description) {
  const Value value = io::parse_json(description, "t.json");
  return tokens::make_decoder(&value, "t.json");
}

std::string text(const std::string& description, const Symbols& symbols) {
  return join(decoder_of(description).all(symbols), "");
}

// The same text, symbol by symbol.
std::string pieces(const std::string& description, const Symbols& symbols) {
  const auto decoder = decoder_of(description);
  std::string all;
  for (size_t i = 0; i < symbols.size(); ++i) all += decoder.one(symbols[i], i == 0);
  return all;
}

constexpr const char* kSentencePiece = R"({"type": "Sequence", "decoders": [
  {"type": "Replace", "pattern": {"String": "_"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
  {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";

TEST(Decoder, MakesTextAsEachTypeSays) {
  struct Case {
    std::string description;
    Symbols symbols;
    std::string text;
  };
  for (const Case& c : {Case{"null", {"a", "b"}, "a b"},
                        {R"({"type": "ByteLevel"})", {"a\u0120", "\u00c3", "\u00a9"}, "a \u00e9"},
                        {R"({"type": "WordPiece"})", {"un", "##do", "n", "'", "t", "."}, "undo n ' t."},
                        {R"({"type": "Metaspace", "replacement": "_"})", {"_a", "_b"}, "a b"},
                        {kSentencePiece, {"_a", "<0xC3>", "<0xA9>", "_", "b"}, "a\u00e9 b"}}) {
    EXPECT_EQ(text(c.description, c.symbols), c.text);
    EXPECT_EQ(pieces(c.description, c.symbols), c.text);
  }
}

TEST(Decoder, BytesThatAreNoTextAreMarked) {
  EXPECT_EQ(text(R"({"type": "ByteFallback"})", {"<0xC3>", "<0x41>", "b"}), "\uFFFD\uFFFDb");
  EXPECT_EQ(text(R"({"type": "ByteLevel"})", {"\u00c3", "A"}), "\uFFFDA");
  EXPECT_EQ(tokens::byte_of_symbol("<0x4a>"), 0x4A);
  EXPECT_EQ(tokens::byte_of_symbol("<0x4g>"), -1);
}

TEST(Decoder, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(
      fixtures::message_of<FormatError>([] { decoder_of(R"({"type": "CTC"})"); }),
      "t.json: decoder: type: expected one of ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip, "
      "WordPiece, got \"CTC\"");
  EXPECT_THROW(decoder_of(R"({"type": "Strip", "content": "", "start": 1, "stop": 0})"), FormatError);
}

}  // namespace
}  // namespace heterodyne::decoder_test
