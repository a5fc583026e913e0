#include "heterodyne/report/markdown.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::markdown_test {
namespace {

TEST(Markdown, TextCannotBecomeMarkup) {
  EXPECT_EQ(markdown_text("a|b *c* _d_ [e](f) `g` #h \\"), "a\\|b \\*c\\* \\_d\\_ \\[e\\](f) \\`g\\` \\#h \\\\");
  EXPECT_EQ(markdown_text("<script>&'"), "&lt;script&gt;&amp;&#39;");
  EXPECT_EQ(markdown_text("two\nlines\x01\xff"), "two lines\uFFFD\uFFFD");
}

TEST(Markdown, TablesHaveARuleAndSayWhatIsLeftOut) {
  EXPECT_EQ(markdown_table({{"a", "b|"}, {{1234567, 0.123456}, {Value(), "x"}}}),
            "| a | b\\| |\n|---|---|\n| 1,234,567 | 0.1235 |\n|  | x |\n");
  EXPECT_EQ(markdown_table({{"a"}, {{1}, {2}}}, 1), "| a |\n|---|\n| 1 |\n\nThe first 1 of 2 rows.\n");
  EXPECT_EQ(markdown_table({}), "");
}

TEST(Markdown, HasTheFindingsAndEveryPanel) {
  const Report report = make_report(fixtures::full_input());
  const std::string text = markdown(report);
  EXPECT_TRUE(text.starts_with("# full\n\n- path: runs/full\n"));
  EXPECT_NE(text.find("- **warning**: layers.0: no specialisation by class"), std::string::npos);
  for (const auto& [id, panel] : report.panels) {
    EXPECT_NE(text.find("\n## " + panel.title + "\n"), std::string::npos) << panel.title;
  }
  EXPECT_NE(text.find("**layers.0, share of MACs**"), std::string::npos);
  EXPECT_EQ(text, markdown(make_report(fixtures::full_input())));
}

}  // namespace
}  // namespace heterodyne::markdown_test
