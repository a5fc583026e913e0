#include "heterodyne/report/page.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "heterodyne/io/json.h"
#include "heterodyne/report/page_assets.h"
#include "heterodyne/report/page_fixtures.h"

namespace heterodyne::page_test {
namespace {

size_t count_of(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++count;
  return count;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t first = text.find(begin);
  if (first == std::string::npos) return "nothing between " + begin + " and " + end;
  return text.substr(first + begin.size(), text.find(end, first + begin.size()) - first - begin.size());
}

/// The page without its style sheet, scripts and data.
std::string document(const std::string& page) { return between(page, "<body>", "<script>"); }

TEST(Page, ThePolicyForbidsEveryRequest) {
  EXPECT_EQ(between(html_page(fixtures::made_up_report()), "http-equiv=\"Content-Security-Policy\" content=\"", "\""),
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:");
}

TEST(Page, EqualReportsGiveEqualBytes) {
  EXPECT_EQ(html_page(fixtures::made_up_report()), html_page(fixtures::made_up_report()));
}

TEST(Page, HostileNamesStayText) {
  const std::string page = html_page(fixtures::made_up_report());
  EXPECT_EQ(count_of(page, "<script>alert"), 0U);
  EXPECT_EQ(count_of(document(page), "<script"), 0U);
  EXPECT_EQ(count_of(page, "</script"), 4U) << "of the head, the library, the data, our own";
  EXPECT_EQ(count_of(page, "<!--"), 0U);
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(page.find('\xFF'), std::string::npos);
  EXPECT_NE(between(page, "<h1>", "</h1>").find("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;␁"),
            std::string::npos);
}

TEST(Page, HostileAnchorsStayText) {
  Report report{"x", {}, {{"kind", {Severity::kRed, "text", "\"><img src=x>"}}}, {}};
  report.panels = {{"\"><img src=x>", {"title", {fixtures::table_figure()}, ""}}};
  EXPECT_EQ(count_of(html_page(report), "<img"), 0U);
}

TEST(Page, TheDataIsOneBlockOfJson) {
  const Report report = fixtures::made_up_report();
  const std::string block = between(html_page(report), "id=\"report-data\">", "</script>");
  EXPECT_EQ(block.find_first_of("<>&"), std::string::npos);
  const Table data = io::parse_json_table(block, "page");
  EXPECT_EQ(io::array_at(data, "figures", "page").size(), 9U);
}

TEST(Page, WithoutScriptsThereAreFindingsSentencesTablesAndPictures) {
  const std::string body = document(html_page(fixtures::made_up_report()));
  EXPECT_NE(
      body.find("<li class=\"finding problem\"><span class=\"severity\">problem</span><span>Layer 0: 1 of 6 experts "
                "gets no token at all. <a href=\"#load_now\">Load now</a>"),
      std::string::npos);
  EXPECT_EQ(count_of(body, "<table>"), 22U) << "2 of curves, 12 of layers, 2 of classes, 6 of other figures";
  EXPECT_NE(body.find("<h4>layer: 11</h4>"), std::string::npos);
  EXPECT_NE(body.find("<noscript><div class=\"still\"><svg"), std::string::npos);
  EXPECT_NE(body.find("<p class=\"absent\">Not recorded: run heterodyne route with knock-outs.</p>"),
            std::string::npos);
  EXPECT_NE(body.find("million multiply-adds per token · n = 10,000 images"), std::string::npos);
}

TEST(Page, AFindingWithoutItsPanelHasNoLink) {
  const Report report{"x", {}, {{"kind", {Severity::kGrey, "text", "gone"}}}, {}};
  EXPECT_EQ(count_of(document(html_page(report)), "href=\"#gone\""), 0U);
}

TEST(Page, AnEmptyReportIsAPage) {
  const std::string page = html_page({"empty", {}, {}, {}});
  EXPECT_NE(page.find("<title>empty: routing report</title>"), std::string::npos);
  EXPECT_NE(page.find("Nothing was found to be wrong."), std::string::npos);
}

TEST(Page, TwelveLayersOfSixtyFourExpertsTakeLessThanTwoMegabytes) {
  EXPECT_LT(html_page(fixtures::large_report()).size(), 2'000'000U);
  EXPECT_LT(html_page(fixtures::made_up_report()).size(), 1'500'000U);
}

TEST(Page, EveryAssetIsUsed) {
  const std::string page = html_page(fixtures::made_up_report());
  EXPECT_GE(page_assets().size(), 3U);
  for (const auto& [name, text] : page_assets()) {
    EXPECT_EQ(count_of(page, text), 1U) << name;
    EXPECT_EQ(text.find("</script"), std::string_view::npos) << name;
  }
}

}  // namespace
}  // namespace heterodyne::page_test
