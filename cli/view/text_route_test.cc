#include "cli/view/text_route.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::text_route_test {
namespace {

RoutedText small_text() {
  return {"runs/<a>",
          {{"layers.0", {0, 7}, {"mlp", "conv"}}, {"layers.1", {2}, {"mlp"}}},
          {{"a<b", {{7, 0}, {2}}}, {"\n", {{0}, {}}}}};
}

TEST(RoutedPage, TokensHaveTheColoursOfTheFirstLayerAndAllTheirExperts) {
  const auto page = routed_page(small_text());
  EXPECT_NE(page.find("<span class=\"e1\" data-first=\"1 0\" title=\"layers.0: 7 conv, 0 mlp; layers.1: 2 "
                      "mlp\">a&lt;b</span><span class=\"e0\" data-first=\"0 -\" title=\"layers.0: 0 mlp; layers.1: "
                      "none\">\n</span>"),
            std::string::npos)
      << page;
}

TEST(RoutedPage, SharesAreOfAllTokens) {
  const auto page = routed_page(small_text());
  EXPECT_NE(page.find("&nbsp;0 mlp&nbsp;</span></td><td>50.0 %</td><td>100.0 %</td>"), std::string::npos);
  EXPECT_NE(page.find("&nbsp;7 conv&nbsp;</span></td><td>50.0 %</td><td>50.0 %</td>"), std::string::npos);
}

TEST(RoutedPage, NothingInItCanDoHarmOrAsksForAnything) {
  const auto page = routed_page(small_text());
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("<a>"), std::string::npos);
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::cli::text_route_test
