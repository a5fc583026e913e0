#include "heterodyne/eval/token_types.h"

#include <gtest/gtest.h>

namespace heterodyne::token_types_test {
namespace {

TEST(TokenTypes, SortsSymbolsByTheirFirstCharacter) {
  const auto groups = token_types_of({"\n", " ", "a", "b", "A", "7", "!", "<unk>", "word", "Word"});
  ASSERT_EQ(groups.size(), 2U);
  std::vector<std::string> types;
  for (const int64_t group : groups[0].group_of) types.push_back(groups[0].labels[static_cast<size_t>(group)]);
  EXPECT_EQ(types, (std::vector<std::string>{"newline", "space", "vowel", "consonant", "capital", "digit",
                                             "punctuation", "special", "word", "capitalised word"}));
  EXPECT_EQ(groups[1].labels[0], "newline");
  EXPECT_EQ(groups[1].group_of[4], 4);
}

// "ab c" and " a.b": the first letter of a window may be in the middle of a word.
TEST(TokenTypes, LettersBeginWordsOrStandInThem) {
  const Vocabulary vocabulary{"a", "b", "c", " ", "."};
  const auto token_BS = torch::tensor({0, 1, 3, 2, 3, 0, 4, 1}, torch::kInt64).view({2, 4});
  const auto places = word_places(token_BS, vocabulary);
  EXPECT_EQ(places.labels, (std::vector<std::string>{"word start", "inside a word", "no letter"}));
  EXPECT_TRUE(places.group_T.equal(torch::tensor({-1, 1, 2, 0, 2, 0, 2, 0}, torch::kInt64))) << places.group_T;
  EXPECT_TRUE(word_places(token_BS, {"the", "b", "c", " ", "<eos>"}).labels.empty());
}

TEST(TokenTypes, LargeVocabulariesAreNotListed) { EXPECT_EQ(token_types_of(Vocabulary(257, "w")).size(), 1U); }

}  // namespace
}  // namespace heterodyne::token_types_test
