#include "heterodyne/data/tokens/added_tokens.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::added_tokens_test {
namespace {

using namespace tokens;

// "text" for parts without an id, "3:text" for the others.
std::vector<std::string> parts(const std::string& description, const std::string& text) {
  const Value value = io::parse_json(description, "t.json");
  const Normalizer shout = [](std::string part) { return part.empty() ? part : part + "!"; };
  std::vector<std::string> all;
  for (const auto& part : AddedTokens(read_added_tokens(&value, "t.json"), shout).split(text))
    all.push_back((part.id < 0 ? "" : std::to_string(part.id) + ":") + part.piece.text);
  return all;
}

using Parts = std::vector<std::string>;

TEST(AddedTokens, TheLongestIsTakenAndTheRestIsNormalised) {
  const std::string tokens =
      R"([{"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "<s>>", "special": true}])";
  EXPECT_EQ(parts(tokens, "a<s>b<s>>"), (Parts{"a!", "1:<s>", "b!", "2:<s>>"}));
  EXPECT_EQ(parts(tokens, "<s><s"), (Parts{"1:<s>", "<s!"}));
  EXPECT_TRUE(parts(tokens, "").empty());
  EXPECT_EQ(parts("[]", "a"), (Parts{"a!"}));
}

TEST(AddedTokens, SomeAreLookedForInTheNormalisedText) {
  EXPECT_EQ(parts(R"([{"id": 1, "content": "b", "special": false, "normalized": true}])", "ab"), (Parts{"a", "1:b!"}));
}

TEST(AddedTokens, TakeSpacesAndStandAloneWhereToldTo) {
  EXPECT_EQ(parts(R"([{"id": 1, "content": "X", "special": true, "lstrip": true, "rstrip": true}])", "a \u00a0X b"),
            (Parts{"a!", "1: \u00a0X ", "b!"}));
  EXPECT_EQ(parts(R"([{"id": 1, "content": "X", "special": true, "single_word": true}])", "aX X\u00e9 X."),
            (Parts{"aX X\u00e9 !", "1:X", ".!"}));
}

TEST(AddedTokens, RefusesWhatIsNone) {
  EXPECT_EQ(fixtures::message_of<FormatError>([] { parts(R"([{"id": 1, "content": ""}])", "a"); }),
            "t.json: added_tokens: \"\": expected some text and an id of 0 .. 10000000, got 1");
  EXPECT_EQ(fixtures::message_of<FormatError>([] { parts("5", "a"); }), "t.json: added_tokens: expected a list");
}

}  // namespace
}  // namespace heterodyne::added_tokens_test
