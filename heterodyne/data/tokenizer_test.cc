// The promises of tokenizer.h, kept by every kind.
#include "heterodyne/data/tokenizer.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::tokenizer_test {
namespace {

Member kind_of(const std::string& kind, Table settings = {}) {
  settings.set("kind", kind);
  return Member(settings);
}

// With what the kind needs: a file in `folder`, of a tokenizer of bytes.
Member ready_kind(const std::string& kind, const fixtures::TemporaryFolder& folder) {
  if (kind != "file") return kind_of(kind);
  const std::string text = learn_vocabulary(kind_of("bpe"), "", "text").definition;
  return kind_of(kind, {{"path", folder.put("tokenizer.json", text)}});
}

std::string decoded(const Tokenizer& tokenizer, const std::vector<int64_t>& ids) {
  std::string text;
  int64_t before = -1;
  for (const int64_t id : ids) {
    text += tokenizer.piece(id, before);
    before = id;
  }
  return text;
}

class TokenizerContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerContract, testing::ValuesIn(tokenizers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(TokenizerContract, ReadsItsTrainingTextAndGivesItBack) {
  const fixtures::TemporaryFolder folder;
  const auto kind = ready_kind(GetParam(), folder);
  const std::string text = "to be or not to be\nthat is the question\n";
  const auto vocabulary = learn_vocabulary(kind, text, "text");
  const auto tokenizer = tokenizers().make(kind, vocabulary);
  const auto ids = tokenizer->encode(text, "text");
  for (const int64_t id : ids) EXPECT_LT(id, static_cast<int64_t>(vocabulary.size()));
  EXPECT_EQ(decoded(*tokenizer, ids), text);
  EXPECT_EQ(tokenizer->decode(ids, true), text);
}

TEST_P(TokenizerContract, ReadsNothing) {
  const fixtures::TemporaryFolder folder;
  const auto kind = ready_kind(GetParam(), folder);
  const auto tokenizer = tokenizers().make(kind, learn_vocabulary(kind, "a b", "text"));
  EXPECT_TRUE(tokenizer->encode("", "text").empty());
}

TEST(Tokenizers, SymbolsOfATokenizersFileAreForThatFilesTokenizer) {
  const auto vocabulary = learn_vocabulary(kind_of("bpe"), "a b", "text");
  for (const std::string kind : {"word", "byte"}) {
    EXPECT_NE(fixtures::message_of<ConfigError>([&] {
                tokenizers().make(kind_of(kind), vocabulary);
              }).find("kind: expected \"file\" for the 257 symbols of a model"),
              std::string::npos);
  }
}

TEST(VocabularyLines, HoldASymbolEach) {
  const Vocabulary words{"<unk>", "a b", ""};
  EXPECT_EQ(vocabulary_lines(words), "<unk>\na b\n\n");
  EXPECT_EQ(vocabulary_of_lines(vocabulary_lines(words)), words);
  EXPECT_EQ(vocabulary_of_lines("a\r\nb"), (Vocabulary{"a", "b"}));
  EXPECT_EQ(vocabulary_lines({"a", "\n"}), "");
  Vocabulary defined{"a"};
  defined.definition = "{}";
  EXPECT_EQ(vocabulary_lines(defined), "");
}

TEST(CutLongestFirst, CutsTheLongerOneFirst) {
  EXPECT_EQ(cut_longest_first(4, 10, 14), std::pair(size_t{4}, size_t{10}));
  EXPECT_EQ(cut_longest_first(2, 10, 8), std::pair(size_t{2}, size_t{6}));
  EXPECT_EQ(cut_longest_first(10, 2, 8), std::pair(size_t{6}, size_t{2}));
  EXPECT_EQ(cut_longest_first(6, 10, 8), std::pair(size_t{4}, size_t{4}));
  EXPECT_EQ(cut_longest_first(3, 3, 5), std::pair(size_t{2}, size_t{3}));
}

TEST(BpeTokenizer, LearnsPiecesOfWords) {
  const auto kind = kind_of("bpe", {{"symbols", 258}});
  const auto vocabulary = learn_vocabulary(kind, "ab ab\n", "text");
  EXPECT_EQ(vocabulary.back(), "ab");
  EXPECT_EQ(tokenizers().make(kind, vocabulary)->encode("abb", "text"), (std::vector<int64_t>{257, 99}));
}

TEST(ByteTokenizer, ItsSymbolsAreTheBytesOfTheTextInOrder) {
  EXPECT_EQ(learn_vocabulary(kind_of("byte"), "cab\xE9\n", "text"), (Vocabulary{"\n", "a", "b", "c", "\u00e9"}));
  EXPECT_EQ(learn_vocabulary(kind_of("byte", {{"vocabulary", "all"}}), "a", "text").size(), 256U);
}

TEST(ByteTokenizer, AnyByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto tokenizer = tokenizers().make(kind_of("byte"), learn_vocabulary(kind_of("byte"), all, "text"));
  EXPECT_EQ(decoded(*tokenizer, tokenizer->encode(all, "text")), all);
}

TEST(ByteTokenizer, AByteItNeverSawIsNamed) {
  const auto tokenizer = tokenizers().make(kind_of("byte"), Vocabulary{"a", "b"});
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { tokenizer->encode("abZ", "run --prompt"); }),
            "[run --prompt] byte 2: expected one of the 2 bytes that the model was trained on, got 0x5a ('Z')");
}

// the 2, a 2, cat 1, sat 1; <unk> and <eos> are always there.
TEST(WordTokenizer, RanksWordsByFrequency) {
  const std::string text = "the cat a\nthe a sat <unk>\n";
  EXPECT_EQ(learn_vocabulary(kind_of("word"), text, "text"), (Vocabulary{"<unk>", "<eos>", "a", "the", "cat", "sat"}));
  EXPECT_EQ(learn_vocabulary(kind_of("word", {{"most", 4}}), text, "text"), (Vocabulary{"<unk>", "<eos>", "a", "the"}));
}

TEST(WordTokenizer, AnUnknownWordIsUnk) {
  const auto tokenizer = tokenizers().make(kind_of("word"), Vocabulary{"<unk>", "<eos>", "a"});
  EXPECT_EQ(tokenizer->encode("a dog\n", "text"), (std::vector<int64_t>{2, 0, 1}));
}

TEST(WordTokenizer, BytesThatAreNotUtf8AreNamed) {
  EXPECT_EQ(
      fixtures::message_of<FormatError>([] { learn_vocabulary(kind_of("word"), "good\nb\xFF\x61\x64", "my.txt"); }),
      "[my.txt] byte 6: expected UTF-8, got 0xff");
}

}  // namespace
}  // namespace heterodyne::tokenizer_test
