#include "heterodyne/data/tokens/tokenizer_json.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::tokenizer_json_test {
namespace {

using Ids = std::vector<int64_t>;

// A LLaMA in small: _ for spaces, bytes for what has no symbol, <s> before each text.
constexpr const char* kSmall = R"({
  "added_tokens": [{"id": 0, "content": "<s>", "special": true}, {"id": 9, "content": "ok", "special": false}],
  "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "_"},
     {"type": "Replace", "pattern": {"String": " "}, "content": "_"}]},
  "pre_tokenizer": null,
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
  "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "},
     {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
  "model": {"type": "BPE", "byte_fallback": true, "vocab": {"<s>": 0, "_": 1, "a": 2, "_a": 3, "<0xC3>": 4, "<0xA9>": 5},
    "merges": ["_ a"]}})";

TEST(JsonTokenizer, GoesThroughAllSteps) {
  const auto [tokenizer, vocabulary] = tokens::make_json_tokenizer(io::parse_json_table(kSmall, "t.json"), "t.json");
  EXPECT_EQ(vocabulary.size(), 10U);
  EXPECT_EQ(vocabulary[6], "");
  EXPECT_EQ(vocabulary[9], "ok");
  EXPECT_EQ(tokenizer->encode("a a\u00e9", "here"), (Ids{3, 3, 4, 5}));
  EXPECT_EQ(tokenizer->framed(Ids{3}).ids, (Ids{0, 3}));
  // After a special symbol a new space begins.
  EXPECT_EQ(tokenizer->encode("a<s>a", "here"), (Ids{3, 0, 3}));
  EXPECT_EQ(tokenizer->decode({0, 3, 3, 4, 5}, false), "a a\u00e9");
  EXPECT_EQ(tokenizer->decode({0, 3, 9}, true), "<s> aok");
  EXPECT_EQ(tokenizer->piece(3, -1) + tokenizer->piece(3, 3) + tokenizer->piece(4, 3), "a a\xC3");
  EXPECT_EQ(tokenizer->piece(0, -1) + tokenizer->piece(3, 0), "a");
  EXPECT_TRUE(tokenizer->encode("", "here").empty());
  EXPECT_EQ(tokenizer->decode({3, 10, 99}, true) + tokenizer->piece(99, 98), "a") << "a model may have more symbols";
}

TEST(JsonTokenizer, RefusesDamage) {
  const auto refusal = [](const std::string& text) {
    return fixtures::message_of<FormatError>(
        [&] { tokens::make_json_tokenizer(io::parse_json_table(text, "t.json"), "t.json"); });
  };
  EXPECT_EQ(refusal("{}").substr(0, 14), "t.json: model:");
  EXPECT_EQ(refusal(R"({"model": {"type": "BPE", "vocab": {}}})").substr(0, 22), "t.json: model: merges:");
}

}  // namespace
}  // namespace heterodyne::tokenizer_json_test
