#include "heterodyne/data/tokens/word_model.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::word_model_test {
namespace {

std::vector<int64_t> ids(const std::string& description, const std::string& word) {
  std::vector<int64_t> all;
  tokens::make_word_model(io::parse_json_table(description, "t.json"), "t.json")->encode(word, "here", all);
  return all;
}

std::string refusal(const std::string& description, const std::string& word = "a") {
  return fixtures::message_of<FormatError>([&] { ids(description, word); });
}

using Expected = std::vector<int64_t>;

// hug and pun as in Sennrich's way of counting: first ug, then hug.
constexpr const char* kBpe = R"({"type": "BPE", "unk_token": "?", "fuse_unk": true,
  "vocab": {"?": 0, "h": 1, "u": 2, "g": 3, "p": 4, "ug": 5, "hug": 6}, "merges": ["u g", ["h", "ug"]]})";

TEST(BpeModel, MergesInTheOrderOfTheList) {
  EXPECT_EQ(ids(kBpe, "hug"), (Expected{6}));
  EXPECT_EQ(ids(kBpe, "pughhug"), (Expected{4, 5, 1, 6}));
  EXPECT_EQ(ids(kBpe, "xyhugx"), (Expected{0, 6, 0}));
}

TEST(BpeModel, FallsBackToBytes) {
  const std::string bytes = R"({"type": "BPE", "unk_token": "?", "byte_fallback": true, "fuse_unk": false,
    "vocab": {"?": 0, "<0xC3>": 1, "<0xA9>": 2}, "merges": []})";
  EXPECT_EQ(ids(bytes, "\u00e9xx"), (Expected{1, 2, 0, 0}));
}

TEST(BpeModel, TakesWholeWordsWhereToldTo) {
  const std::string model = R"({"type": "BPE", "ignore_merges": true,
    "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": []})";
  EXPECT_EQ(ids(model, "ab"), (Expected{2}));
  EXPECT_EQ(ids(model, "aba"), (Expected{0, 1, 0}));
}

TEST(BpeModel, RefusesWhatItCannotUse) {
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]})"),
            "t.json: model: merges: 0: expected symbols of vocab, got \"b\"");
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": 0}, "merges": ["ab"]})"),
            "t.json: model: merges: 0: expected two symbols, got \"ab\"");
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []})"),
            "t.json: model: vocab: \"b\": expected an id of its own, got 0, which another symbol has");
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": -1}, "merges": []})"),
            "t.json: model: vocab: \"a\": expected an id of 0 .. 10000000, got -1");
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"})"),
            "t.json: model: end_of_word_suffix: expected null, got \"</w>\"");
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "?"})"),
            "t.json: model: unk_token: expected a symbol of vocab, got \"?\"");
  EXPECT_EQ(refusal(R"({"type": "BPE", "vocab": {"a": 0}, "merges": []})", "b"),
            "[here] expected characters that the tokenizer has, got \"b\"");
  EXPECT_EQ(refusal(R"({"type": "Unigram"})"), "t.json: model: type: expected one of BPE, WordPiece, got \"Unigram\"");
}

// The example of the paper's code: un ##aff ##able.
TEST(WordPieceModel, TakesTheLongestSymbolEachTime) {
  const std::string model = R"({"type": "WordPiece", "max_input_chars_per_word": 10,
    "vocab": {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, "##a": 4}})";
  EXPECT_EQ(ids(model, "unaffable"), (Expected{1, 2, 3}));
  EXPECT_EQ(ids(model, "una"), (Expected{1, 4}));
  EXPECT_EQ(ids(model, "unb"), (Expected{0}));
  EXPECT_EQ(ids(model, "unaaaaaaaaa"), (Expected{0}));
  EXPECT_EQ(refusal(R"({"type": "WordPiece", "vocab": {"a": 0}})"),
            "t.json: model: unk_token: expected a symbol of vocab, got \"[UNK]\"");
}

}  // namespace
}  // namespace heterodyne::word_model_test
