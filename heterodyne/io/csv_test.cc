#include "heterodyne/io/csv.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::io::csv_test {
namespace {

// The examples of RFC 4180, section 2, paragraphs 5 to 7.
TEST(Csv, QuotesCommasQuotesAndLineEnds) {
  EXPECT_EQ(csv_text({{"a,b", "c"}, {{"aaa", "b\nbb"}, {"b\"bb", "c"}}}), "\"a,b\",c\naaa,\"b\nbb\"\n\"b\"\"bb\",c");
}

TEST(Csv, WritesNumbersExactlyAndNullAsNothing) {
  EXPECT_EQ(csv_text({{"x", "n", "none"}, {{0.1, 3, Value()}}}), "x,n,none\n0.1,3,");
  EXPECT_EQ(csv_text({{"x"}, {}}), "x");
}

std::vector<std::vector<std::string>> cells_of(const std::string& text) {
  std::vector<std::vector<std::string>> all;
  for (auto& record : parse_csv(text, "a.csv")) all.push_back(std::move(record.cells));
  return all;
}

std::string complaint_about(const std::string& text) {
  return fixtures::message_of<FormatError>([&] { parse_csv(text, "a.csv"); });
}

TEST(ReadCsv, ReadsWhatTheRfcShows) {
  using Cells = std::vector<std::vector<std::string>>;
  EXPECT_EQ(cells_of("aaa,bbb\r\nzzz,yyy\r\n"), (Cells{{"aaa", "bbb"}, {"zzz", "yyy"}}));
  EXPECT_EQ(cells_of("\"aaa\",\"b\nbb\"\n\"b\"\"bb\",\"c,c\""), (Cells{{"aaa", "b\nbb"}, {"b\"bb", "c,c"}}));
  EXPECT_EQ(cells_of(",\n\n,\"\"\r"), (Cells{{"", ""}, {"", ""}}));
  EXPECT_TRUE(cells_of("").empty());
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(cells_of(mark + "\"a\",b"), (Cells{{"a", "b"}})) << "a byte order mark is no part of the first cell";
}

TEST(ReadCsv, KnowsTheLineOfEachRecord) {
  const auto records = parse_csv("a\n\"b\n\nc\"\n\nd", "a.csv");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].line, 2);
  EXPECT_EQ(records[2].line, 6);
}

TEST(ReadCsv, BrokenQuotesAreNamedWithTheirLine) {
  EXPECT_EQ(complaint_about("a,b\nc,d\"e\n"),
            "a.csv: line 2: expected quotes only around a whole cell, got one inside a cell that does not begin with "
            "it");
  EXPECT_EQ(complaint_about("a,b\n\"c\"x,d\n"),
            "a.csv: line 2: expected a comma or the end of the line behind a closing quote, got 'x'");
  EXPECT_EQ(complaint_about("a,b\nc,\"d\ne,f\n"), "a.csv: line 2: expected a closing quote, got the end of the file");
  EXPECT_EQ(complaint_about("a,b\n\nc\n"), "a.csv: line 3: expected 2 cells as on line 1, got 1");
}

TEST(ReadTsv, QuotesAreCharactersAndLinesAreAsLongAsTheyAre) {
  const auto records = parse_tsv(
      "\xEF\xBB\xBF"
      "a\tb\r\n\"x\t\ty z\"\n\nlast");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].cells, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(records[1].cells, (std::vector<std::string>{"\"x", "", "y z\""}));
  EXPECT_EQ(records[2].cells, (std::vector<std::string>{"last"}));
  EXPECT_EQ(records[2].line, 4);
  EXPECT_TRUE(parse_tsv("").empty());
}

}  // namespace
}  // namespace heterodyne::io::csv_test
