#include "heterodyne/data/tokens/normalizer.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::normalizer_test {
namespace {

std::string outcome(const std::string& description, const std::string& text) {
  const Value value = io::parse_json(description, "t.json");
  return tokens::make_normalizer(&value, "t.json")(text);
}

TEST(Normalizer, NoneLeavesTheText) {
  EXPECT_EQ(tokens::make_normalizer(nullptr, "t.json")("A b"), "A b");
  EXPECT_EQ(outcome("null", "A b"), "A b");
}

TEST(Normalizer, DoesWhatEachTypeSays) {
  EXPECT_EQ(outcome(R"({"type": "NFC"})", "e\u0301"), "\u00e9");
  EXPECT_EQ(outcome(R"({"type": "NFKD"})", "\ufb01"), "fi");
  EXPECT_EQ(outcome(R"({"type": "Lowercase"})", "A\u00c9"), "a\u00e9");
  EXPECT_EQ(outcome(R"({"type": "StripAccents"})", "e\u0301"), "e");
  EXPECT_EQ(outcome(R"({"type": "Prepend", "prepend": "_"})", "a"), "_a");
  EXPECT_EQ(outcome(R"({"type": "Prepend", "prepend": "_"})", ""), "");
  EXPECT_EQ(outcome(R"({"type": "Replace", "pattern": {"String": " "}, "content": "_"})", "a b "), "a_b_");
  EXPECT_EQ(outcome(R"({"type": "Replace", "pattern": {"Regex": " +"}, "content": "_"})", "a  b "), "a_b_");
  EXPECT_EQ(outcome(R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]})", "\u00e9"),
            "e");
}

// A control character and a zero-width space go, white space becomes spaces, an ideograph stands apart.
TEST(Normalizer, DoesWhatBertDoes) {
  EXPECT_EQ(outcome(R"({"type": "BertNormalizer", "lowercase": true})", "\x01\u00c9\t\u4e2d\u200bX"), "e  \u4e2d x");
  EXPECT_EQ(outcome(R"({"type": "BertNormalizer", "lowercase": false, "handle_chinese_chars": false})", "\u00c9\u4e2d"),
            "\u00c9\u4e2d");
  EXPECT_EQ(outcome(R"({"type": "BertNormalizer"})",
                    "a\x0b"
                    "b\x0c"
                    "c\u0085"
                    "d\r\ne\u00a0f"),
            "abcd  e f")
      << "what is control character and white space at once goes, but for tab and line ends";
}

TEST(Normalizer, RefusesWhatItDoesNotKnow) {
  const auto refusal = [](const std::string& description) {
    return fixtures::message_of<FormatError>([&] { outcome(description, "a"); });
  };
  EXPECT_NE(refusal(R"({"type": "Sequence", "normalizers": [{"type": "Nmt"}]})")
                .find("t.json: normalizer: type: expected one of BertNormalizer, Lowercase, NFC,"),
            std::string::npos);
  EXPECT_EQ(refusal(R"({"type": "Prepend"})").substr(0, 30), "t.json: normalizer: prepend: e");
  EXPECT_EQ(refusal(R"({"type": "Replace", "pattern": {"String": ""}, "content": "_"})"),
            "t.json: normalizer: expected text to replace, got none");
}

}  // namespace
}  // namespace heterodyne::normalizer_test
