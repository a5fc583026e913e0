#include "heterodyne/data/classified_texts.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::classified_texts_test {
namespace {

ClassifiedTextSource source_of(std::vector<LabelledText> train) {
  ClassifiedTextSource source;
  source.train = std::move(train);
  source.load_test = [] { return std::vector<LabelledText>{{"a zebra", 1}}; };
  source.class_names = {"x", "y"};
  source.validation = 0;
  source.length = 4;
  source.tokenizer = Member(Table{{"kind", "word"}});
  return source;
}

// ids: <unk> 0, <eos> 1, a 2 (three times), b 3 (twice), c 4.
ClassifiedTexts small() { return ClassifiedTexts(source_of({{"A b, a!", 0}, {"c - a b", 1}, {"...", 0}})); }

TEST(WordsOf, KeepsRunsOfLettersAndDigitsLowerCased) {
  EXPECT_EQ(words_of("  It's $10,000 -- \xC3\x89T\xC3\x89 snake_case\n"), "it s 10 000 \xC3\xA9t\xC3\xA9 snake_case");
  EXPECT_EQ(words_of("?!"), "");
}

TEST(ClassifiedTexts, PadsToTheLongestTextOfABatch) {
  const auto set = small();
  EXPECT_EQ(*set.vocabulary(), (Vocabulary{"<unk>", "<eos>", "a", "b", "c"}));
  const auto batch = set.get(Split::kTrain, torch::tensor({1, 2}, torch::kInt64));
  EXPECT_TRUE(torch::equal(batch.inputs, torch::tensor({{4, 2, 3}, {0, 0, 0}}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(batch.mask_BS, torch::tensor({{1, 1, 1}, {1, 0, 0}}, torch::kInt64).to(torch::kBool)));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({1, 0}, torch::kInt64)));
}

TEST(ClassifiedTexts, CutsLongTexts) {
  const ClassifiedTexts set(source_of({{"a b c d e f", 0}, {"a", 1}}));
  EXPECT_EQ(set.get(Split::kTrain, torch::tensor({0}, torch::kInt64)).inputs.size(1), 4);
  EXPECT_EQ(set.shape().length, 4);
  EXPECT_EQ(set.shape().num_classes, 2);
}

TEST(ClassifiedTexts, TestTextsHaveNoSayInTheVocabulary) {
  const auto set = small();
  EXPECT_TRUE(torch::equal(set.get(Split::kTest, torch::tensor({0}, torch::kInt64)).inputs,
                           torch::tensor({{2, 0}}, torch::kInt64)));
}

// Ten texts with a word of their own each; five are validated, and of the others one of each class is trained on.
TEST(ClassifiedTexts, NeitherValidationNorUnusedTextsHaveASayInTheVocabulary) {
  std::vector<LabelledText> texts;
  for (int i = 0; i < 12; ++i) texts.push_back({"word" + std::to_string(i), i % 2});
  auto source = source_of(texts);
  source.validation = 0.5;
  EXPECT_EQ(ClassifiedTexts(source).vocabulary()->size(), 2U + 6U);
  source.per_class = {1, 3};
  const ClassifiedTexts few(source);
  EXPECT_EQ(few.vocabulary()->size(), 2U + 2U);
  EXPECT_EQ(few.size(Split::kTrain), 2);
  EXPECT_EQ(few.size(Split::kValid), 6);
  const auto unknown = few.get(Split::kValid, torch::arange(6));
  EXPECT_EQ(unknown.inputs.max().item<int64_t>(), 0);
}

TEST(ClassifiedTexts, ReadsWithAVocabularyThatIsGiven) {
  auto source = source_of({{"a b", 0}, {"b", 1}});
  source.vocabulary = {"<unk>", "b"};
  const ClassifiedTexts set(source);
  EXPECT_TRUE(torch::equal(set.get(Split::kTrain, torch::tensor({0}, torch::kInt64)).inputs,
                           torch::tensor({{0, 1}}, torch::kInt64)));
  EXPECT_EQ(set.shape().vocabulary, 2);
}

}  // namespace
}  // namespace heterodyne::classified_texts_test
