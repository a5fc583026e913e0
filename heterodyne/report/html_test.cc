#include "heterodyne/report/html.h"

#include <gtest/gtest.h>

#include <string>

#include "heterodyne/io/json.h"

namespace heterodyne::html_test {
namespace {

TEST(Html, CharactersWithAMeaningBecomeReferences) {
  EXPECT_EQ(escape_html("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape_html("expert 3, größer"), "expert 3, größer");
}

TEST(Html, ControlCharactersAreShownAsPictures) {
  EXPECT_EQ(visible(std::string("a\0b\x1B[31m\x7F", 9)), "a␀b␛[31m␡");
  EXPECT_EQ(visible("two\nlines\tand a tab"), "two\nlines\tand a tab");
  EXPECT_EQ(visible("a\xC2\x9B 31m"), "a\xEF\xBF\xBD 31m") << "C1 controls";
}

TEST(Html, MarksOfDirectionAreReplaced) {
  EXPECT_EQ(visible("a\u202Etxt\u2066b\u200F"), "a\uFFFDtxt\uFFFDb\uFFFD");
  EXPECT_EQ(visible("\u2013 \u2026 \u2050"), "\u2013 \u2026 \u2050") << "their neighbours stay";
}

TEST(Html, BytesThatAreNotUtf8AreReplacedOneByOne) {
  EXPECT_EQ(visible("a\xFF\xC3"), "a\uFFFD\uFFFD");
  EXPECT_EQ(visible("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(visible("\xF0\x9F\x90\x88"), "\U0001F408");
}

TEST(Html, JsonInAScriptElementCannotEndIt) {
  const std::string json = io::write_json(Value("</script><!-- & \u2028\u2029"));
  const std::string escaped = escape_json_for_html(json);
  EXPECT_EQ(escaped, "\"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028\\u2029\"");
  EXPECT_EQ(io::parse_json(escaped, "page"), io::parse_json(json, "page"));
}

}  // namespace
}  // namespace heterodyne::html_test
