#include "heterodyne/data/tokens/byte_level_bpe.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/tokens/tokenizer_json.h"
#include "heterodyne/io/json.h"

namespace heterodyne::byte_level_bpe_test {
namespace {

using namespace tokens;
using Ids = std::vector<int64_t>;

Array merges_of(const Table& description) { return *description.find_path("model.merges")->if_array(); }

// Sennrich's example: low 5 times, lower 2, newest 6, widest 3; words stand alone here, so without the mark for their
// end. es and st occur 9 times (newest, widest), and e has a lower id than s: es, then est. Then lo and ow lead with 7
// (we fell from 8 to 2 when es was made), and l has a lower id than o: lo, then low.
TEST(TrainBpe, TakesTheMostFrequentPairEachTime) {
  std::string text;
  for (const auto& [word, count] : {std::pair("low", 5), {"lower", 2}, {"newest", 6}, {"widest", 3}})
    for (int i = 0; i < count; ++i) text += std::string(word) + "\n";
  const Table learned = train_bpe(text, {257 + 4}, "text");
  EXPECT_EQ(merges_of(learned), (Array{"e s", "es t", "l o", "lo w"}));
  const auto tokenizer = make_json_tokenizer(learned, "t.json").tokenizer;
  EXPECT_EQ(tokenizer->encode("lowest", "here"), (Ids{260, 258}));
  EXPECT_EQ(tokenizer->encode("<|endoftext|>", "here"), (Ids{0}));
}

TEST(TrainBpe, StopsWhenNoPairIsFrequentEnough) {
  EXPECT_EQ(merges_of(train_bpe("abab ab", {1000, 3}, "text")), (Array{"a b"}));
  EXPECT_TRUE(merges_of(train_bpe("", {1000}, "text")).empty());
  EXPECT_THROW(train_bpe("\xFF", {1000}, "text"), FormatError);
}

// aaa: the pair aa twice (one over the other) and taken once; then aa a.
TEST(TrainBpe, PairsMayOverlap) { EXPECT_EQ(merges_of(train_bpe("aaa\naaa", {1000}, "text")), (Array{"a a", "aa a"})); }

TEST(TrainBpe, AnyTextComesBack) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += static_cast<char>('a' + (i * i + i / 7) % 26), text += i % 9 == 0 ? " " : "";
  const auto tokenizer = make_json_tokenizer(train_bpe(text, {400}, "text"), "t.json").tokenizer;
  for (const std::string& other : {text, std::string("caf\u00e9 \U0001F642\t\n  x"), std::string()}) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(other, "here"), true), other);
  }
}

TEST(Gpt2Description, IsReadFromTwoFiles) {
  const Table encoder{{"a", 0}, {"b", 1}, {"ab", 2}, {"<|endoftext|>", 3}};
  const auto tokenizer =
      make_json_tokenizer(gpt2_description(encoder, "#version: 0.2\r\na b\r\n", "vocab.bpe"), "t").tokenizer;
  EXPECT_EQ(tokenizer->encode("aba<|endoftext|>", "here"), (Ids{2, 0, 3}));
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { gpt2_description(encoder, "a b\na b c\n", "vocab.bpe"); }),
            "vocab.bpe: line 2: expected two symbols, got \"a b c\"");
}

}  // namespace
}  // namespace heterodyne::byte_level_bpe_test
