#include "heterodyne/report/html_table.h"

#include <gtest/gtest.h>

#include <limits>

namespace heterodyne::html_table_test {
namespace {

TEST(HtmlTable, CellsAreWrittenForPeople) {
  EXPECT_EQ(cell_text(Value(1234567)), "1,234,567");
  EXPECT_EQ(cell_text(Value(1.0 / 3.0)), "0.333333");
  EXPECT_EQ(cell_text(Value(2.0)), "2");
  EXPECT_EQ(cell_text(Value(true)), "yes");
  EXPECT_EQ(cell_text(Value()), "");
  EXPECT_EQ(cell_text(Value(std::numeric_limits<double>::quiet_NaN())), "");
  EXPECT_EQ(cell_text(Value(Array{1, "a"})), "[1,\"a\"]");
}

TEST(HtmlTable, TextIsEscapedAndMarked) {
  const Rows rows{{"name<", "share"}, {{"<b>", 0.25}, {"x", Value()}}};
  EXPECT_EQ(html_table(rows, 100),
            "<table><thead><tr><th scope=col class=t>name&lt;<th scope=col>share\n<tbody>"
            "<tr><th scope=row class=t>&lt;b&gt;<td>0.25\n"
            "<tr><th scope=row class=t>x<td>\n</table>");
}

TEST(HtmlTable, LongTablesKeepEveryNthRowAndSaySo) {
  Rows rows{{"step", "share"}, {}};
  for (int step = 0; step < 1000; ++step) rows.rows.push_back({step, 0.5});
  const std::string html = html_table(rows, 200);  // 100 rows of 2 cells: every tenth
  EXPECT_NE(html.find("<caption>1 of every 10 rows, of 1,000 in all</caption>"), std::string::npos);
  EXPECT_NE(html.find("<th scope=row>990<"), std::string::npos);
  EXPECT_EQ(html.find("<th scope=row>991<"), std::string::npos);
}

TEST(HtmlTable, EmptyTablesAndTinyLimitsAreTables) {
  EXPECT_EQ(html_table({}, 10), "<table><thead><tr>\n<tbody></table>");
  const Rows one{{"a", "b", "c"}, {{1, 2, 3}}};
  EXPECT_NE(html_table(one, 1).find("<th scope=row>1<td>2<td>3"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::html_table_test
