#include "cli/output.h"

#include <gtest/gtest.h>

#include "heterodyne/io/json.h"

namespace heterodyne::cli {
namespace {

Rows rows() { return {{"name", "share"}, {{"mlp", 0.25}, {"a \"b\", | c", 12.5}, {"none", Value()}}}; }

std::string printed(const std::string& format) {
  testing::internal::CaptureStdout();
  Terminal terminal({});
  print_rows(terminal, rows(), format);
  return testing::internal::GetCapturedStdout();
}

TEST(Output, ATableIsAlignedWithNumbersToTheRight) {
  EXPECT_EQ(printed("table"), "name        share\nmlp          0.25\na \"b\", | c   12.5\nnone            -\n");
}

TEST(Output, JsonIsAListOfObjects) {
  const Value value = io::parse_json(printed("json"), "stdout");
  ASSERT_TRUE(value.if_array());
  ASSERT_EQ(value.if_array()->size(), 3U);
  EXPECT_EQ((*value.if_array())[0], Value(Table{{"name", "mlp"}, {"share", 0.25}}));
  EXPECT_TRUE((*value.if_array())[2].if_table()->find("share")->is_null());
}

TEST(Output, CsvQuotesWhatItMust) {
  EXPECT_EQ(printed("csv"), "name,share\nmlp,0.25\n\"a \"\"b\"\", | c\",12.5\nnone,\n");
}

TEST(Output, MarkdownEscapesBars) {
  EXPECT_EQ(printed("md"), "| name | share |\n|---|---|\n| mlp | 0.25 |\n| a \"b\", \\| c | 12.5 |\n| none | - |\n");
}

TEST(Output, TextCannotSteerATerminal) {
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a\u241b[2J\u240a\u2421");
  EXPECT_EQ(printable("\u009b31m\u202egpj"), "\uFFFD31m\uFFFDgpj");
  EXPECT_EQ(printable("\xff\xe2\x82"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(printable("caf\u00e9 \u2588 \U0001F600"), "caf\u00e9 \u2588 \U0001F600");
  EXPECT_EQ(table_text({{"a"}, {{"x\u202e"}}}), "a\nx\uFFFD");
}

TEST(Output, WideCharactersTakeOneColumn) {
  EXPECT_EQ(table_text({{"a", "b"}, {{"\u2588\u2588", 1}, {"x", 2}}}), "a   b\n\u2588\u2588  1\nx   2");
}

TEST(Output, ControlCharactersInATableAreWrittenOut) {
  const std::string text = table_text({{"name"}, {{"a\x1b[2Jb\n"}}});
  EXPECT_EQ(text, "name\n\"a\\u001B[2Jb\\n\"");
}

}  // namespace
}  // namespace heterodyne::cli
