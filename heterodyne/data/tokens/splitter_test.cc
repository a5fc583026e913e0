#include "heterodyne/data/tokens/splitter.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::splitter_test {
namespace {

using Words = std::vector<std::string>;

Words words(const std::string& description, const std::string& text, bool is_first = true) {
  const Value value = io::parse_json(description, "t.json");
  Words all;
  for (const auto& piece : tokens::make_splitter(&value, "t.json")({{text, is_first}})) all.push_back(piece.text);
  return all;
}

std::string split_at_x(const std::string& behavior, bool inverts = false) {
  return R"({"type": "Split", "pattern": {"String": "x"}, "behavior": ")" + behavior + R"(", "invert": )" +
         (inverts ? "true}" : "false}");
}

TEST(Splitter, NoneLeavesTheText) { EXPECT_EQ(words("null", "a b"), (Words{"a b"})); }

TEST(Splitter, SplitsAsTheBehaviorSays) {
  EXPECT_EQ(words(split_at_x("Isolated"), "axxb"), (Words{"a", "x", "x", "b"}));
  EXPECT_EQ(words(split_at_x("Removed"), "axxb"), (Words{"a", "b"}));
  EXPECT_EQ(words(split_at_x("MergedWithPrevious"), "axxb"), (Words{"ax", "x", "b"}));
  EXPECT_EQ(words(split_at_x("MergedWithNext"), "axxb"), (Words{"a", "x", "xb"}));
  EXPECT_EQ(words(split_at_x("Contiguous"), "axxb"), (Words{"a", "xx", "b"}));
  EXPECT_EQ(words(split_at_x("Removed", true), "axxb"), (Words{"x", "x"}));
  EXPECT_TRUE(words(split_at_x("Isolated"), "").empty());
}

TEST(Splitter, CutsAsGpt2Does) {
  const std::string plain = R"({"type": "ByteLevel", "add_prefix_space": false})";
  EXPECT_EQ(words(plain, "I'm  at 7!"), (Words{"I", "'m", "\u0120", "\u0120at", "\u01207", "!"}));
  EXPECT_EQ(words(R"({"type": "ByteLevel"})", "a"), (Words{"\u0120a"}));
  EXPECT_EQ(words(R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})", "a b"),
            (Words{"a\u0120b"}));
}

TEST(Splitter, MarksSpaces) {
  EXPECT_EQ(words(R"({"type": "Metaspace", "replacement": "_"})", "a b"), (Words{"_a", "_b"}));
  EXPECT_EQ(words(R"({"type": "Metaspace", "replacement": "_", "split": false})", " a b"), (Words{"_a_b"}));
  EXPECT_EQ(words(R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "first"})", "a", false), (Words{"a"}));
}

TEST(Splitter, CutsAsBertDoes) {
  EXPECT_EQ(words(R"({"type": "BertPreTokenizer"})", " a-b\u00a0\u201cc "), (Words{"a", "-", "b", "\u201c", "c"}));
}

TEST(Splitter, DoesStepsOneAfterTheOther) {
  EXPECT_EQ(
      words(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Digits"}]})", "a12 3"),
      (Words{"a", "12", "3"}));
  EXPECT_EQ(words(R"({"type": "Digits", "individual_digits": true})", "12"), (Words{"1", "2"}));
}

TEST(Splitter, KnowsWhatTheTextBeginsWith) {
  const Value value = io::parse_json(R"({"type": "WhitespaceSplit"})", "t.json");
  EXPECT_EQ(tokens::make_splitter(&value, "t.json")({{"a b", true}, {"c", false}}),
            (std::vector<tokens::Piece>{{"a", true}, {"b", false}, {"c", false}}));
}

TEST(Splitter, RefusesWhatItDoesNotKnow) {
  const auto refusal = [](const std::string& description) {
    return fixtures::message_of<FormatError>([&] { words(description, "a"); });
  };
  EXPECT_EQ(refusal(R"({"type": "UnicodeScripts"})").substr(0, 47), "t.json: pre_tokenizer: type: expected one of Be");
  EXPECT_EQ(refusal(split_at_x("Apart")).substr(0, 50), "t.json: pre_tokenizer: behavior: expected one of C");
  EXPECT_EQ(refusal(R"({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Removed"})").substr(0, 44),
            "t.json: pre_tokenizer: expected a regular ex");
  EXPECT_EQ(refusal(R"({"type": "Metaspace", "prepend_scheme": "last"})"),
            "t.json: pre_tokenizer: prepend_scheme: expected one of always, first, never, got \"last\"");
}

}  // namespace
}  // namespace heterodyne::splitter_test
