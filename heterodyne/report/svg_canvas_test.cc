#include "heterodyne/report/svg_canvas.h"

#include <gtest/gtest.h>

#include <limits>

namespace heterodyne::svg_canvas_test {
namespace {

TEST(XmlText, EscapesAndReplaces) {
  EXPECT_EQ(xml_text("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(xml_text("a\x01z\xff"), "a\uFFFDz\uFFFD");
  EXPECT_EQ(xml_text("\xEF\xBF\xBF"), "\uFFFD") << "U+FFFF is no character of XML";
  EXPECT_EQ(xml_text("Größe ✓"), "Größe ✓");
}

TEST(XmlText, IsCutWithAnEllipsis) {
  EXPECT_EQ(shortened("äöü", 3), "äöü");
  EXPECT_EQ(shortened("äöüß", 3), "äö\u2026");
}

TEST(Scale, MapsItsRangeAndHasRoundTicks) {
  const Scale scale(0, 10, 100, 200);
  EXPECT_DOUBLE_EQ(scale(2.5), 125);
  EXPECT_EQ(scale.ticks(5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
}

TEST(Scale, OfNoWidthOrNoNumbersIsStillAScale) {
  EXPECT_DOUBLE_EQ(Scale(3, 3, 0, 100)(3), 50);
  EXPECT_DOUBLE_EQ(Scale(0, 0, 0, 100)(0), 50);
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_DOUBLE_EQ(Scale(infinite, -infinite, 0, 100)(0.5), 50);
}

TEST(SvgCanvas, PutsElementsTogether) {
  SvgCanvas canvas;
  canvas.rect(1, 2, 3, -4, "fill=\"none\"", "a < b");
  canvas.text(5, 6, "<t>", Anchor::kEnd);
  const std::string svg = canvas.finish(100, "title & more");
  EXPECT_NE(svg.find("<title>title &amp; more</title>"), std::string::npos);
  EXPECT_NE(svg.find("height=\"0.0\" fill=\"none\"><title>a &lt; b</title></rect>"), std::string::npos);
  EXPECT_NE(svg.find("text-anchor=\"end\">&lt;t&gt;</text>"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>"));
}

TEST(SvgCanvas, ALegendTakesAsManyLinesAsItNeeds) {
  SvgCanvas canvas;
  EXPECT_EQ(canvas.legend(0, 0, {}), 0);
  EXPECT_EQ(canvas.legend(0, 0, {"a", "b"}), 18);
  EXPECT_GT(canvas.legend(0, 0, std::vector<std::string>(16, "a long name of an expert")), 36);
}

}  // namespace
}  // namespace heterodyne::svg_canvas_test
