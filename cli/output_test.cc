#include "cli/output.h"

#include <gtest/gtest.h>

#include "heterodyne/io/json.h"

namespace heterodyne::cli::output_test {
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

TEST(Output, TextOfAnyOriginIsShownSafely) {
  const std::string hostile = "<script>\x1b[2J\nb|&\u009b";
  const auto print = [&](const std::string& format) {
    testing::internal::CaptureStdout();
    Terminal terminal({});
    print_rows(terminal, {{"name"}, {{hostile}}}, format);
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_EQ(print("table"), "name\n<script>\\x1b[2J\\nb|&\\u009b\n");
  EXPECT_EQ(print("md"), "| name |\n|---|\n| &lt;script>\\x1b[2J\\nb\\|&amp;\\u009b |\n");
  EXPECT_EQ(print("csv"), "name\n\"<script>\\x1b[2J\nb|&\\u009b\"\n");
  EXPECT_EQ(io::parse_json(print("json"), "stdout"), Value(Array{Value(Table{{"name", hostile}})}));
  EXPECT_NE(print("json").find("\\u009b"), std::string::npos);
}

TEST(Output, WideCharactersTakeOneColumn) {
  EXPECT_EQ(table_text({{"a", "b"}, {{"\u2588\u2588", 1}, {"x", 2}}}), "a   b\n\u2588\u2588  1\nx   2");
}

TEST(Output, ControlCharactersInATableAreWrittenOut) {
  const std::string text = table_text({{"name"}, {{"a\x1b[2Jb\n"}}});
  EXPECT_EQ(text, "name\na\\x1b[2Jb\\n");
}

}  // namespace
}  // namespace heterodyne::cli::output_test
