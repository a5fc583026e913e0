#include "cli/text/tokenize.h"

#include <gtest/gtest.h>

#include <sstream>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::tokenize_test {
namespace {

// Characters a and b, the pair ab, and <s>, which stands before each text.
constexpr const char* kFile = R"({
  "added_tokens": [{"id": 3, "content": "<s>", "special": true, "normalized": false}],
  "normalizer": null, "pre_tokenizer": null, "decoder": {"type": "Fuse"},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3}, "merges": ["a b"]}})";

TEST(LineTokenizer, ReadsAndWritesALineEach) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("tokenizer.json", kFile);
  EXPECT_EQ(line_tokenizer(path, true).encode("\"aba\"", "here"), "[3,2,0]");
  EXPECT_EQ(line_tokenizer(path, false).encode("\"\"", "here"), "[]");
  EXPECT_EQ(line_tokenizer(path, true).decode("[3, 2, 0]", "here"), "\"<s>aba\"");
  EXPECT_EQ(line_tokenizer(path, false).decode("[3, 2, 0]", "here"), "\"aba\"");
}

TEST(LineTokenizer, NamesTheLineAtFault) {
  const fixtures::TemporaryFolder folder;
  const auto lines = line_tokenizer(folder.put("tokenizer.json", kFile), true);
  const auto refusal = [&](const std::string& line, bool decodes) {
    return fixtures::message_of<FormatError>(
        [&] { decodes ? lines.decode(line, "line 7") : lines.encode(line, "line 7"); });
  };
  EXPECT_EQ(refusal("5", false), "line 7: expected text in JSON, got a whole number");
  EXPECT_EQ(refusal("\"x\"", false), "[line 7] expected characters that the tokenizer has, got \"x\"");
  EXPECT_EQ(refusal("[0, 4]", true), "line 7: expected ids of 0 .. 3, got 4");
  EXPECT_EQ(refusal("[0", true).substr(0, 15), "line 7: byte 2:");
}

// Words low (3), lo, and line ends: the pairs lo (4 times), then low (3). Byte b has the id 1 + b.
TEST(WriteLearnedTokenizer, WritesAFileThatIsRead) {
  const fixtures::TemporaryFolder folder;
  const std::string text = read_texts({folder.put("a.txt", "low\nlow"), folder.put("b.txt", "low\nlo\n")});
  EXPECT_EQ(text, "low\nlow\nlow\nlo\n");
  EXPECT_EQ(write_learned_tokenizer(text, 300, folder / "t.json"), 259);
  EXPECT_EQ(line_tokenizer(folder / "t.json", true).encode("\"low lot\"", "here"), "[258,33,257,117]");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { read_texts({folder.put("c.txt", "a\xFF")}); }),
            "[" + (folder / "c.txt") + "] byte 1: expected UTF-8, got 0xff");
}

TEST(EachLine, CountsFromOne) {
  std::istringstream in("a\n\nb");
  std::string seen;
  each_line(in, [&](const std::string& line, const std::string& where) { seen += where + ": " + line + "|"; });
  EXPECT_EQ(seen, "standard input: line 1: a|standard input: line 2: |standard input: line 3: b|");
}

}  // namespace
}  // namespace heterodyne::cli::tokenize_test
