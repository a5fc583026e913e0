#include "cli/view/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/text.h"

namespace heterodyne::cli::report_test {
namespace {

TEST(Report, BarsCountEighths) {
  EXPECT_EQ(bar(0.5, 4), "\u2588\u2588");
  EXPECT_EQ(bar(0.5 + 1.0 / 32, 4), "\u2588\u2588\u258f");
  EXPECT_EQ(bar(0, 4), "");
  EXPECT_EQ(bar(7, 2), "\u2588\u2588") << "never longer than its place";
}

TEST(Report, TinyBarsAreRelativeToTheLargest) {
  EXPECT_EQ(tiny_bars({8, 4, 0, 1}), "\u2588\u2585 \u2582");
  EXPECT_EQ(tiny_bars({0, 0}), "  ");
}

TEST(Report, CountsAreShort) {
  EXPECT_EQ(short_count(512), "512");
  EXPECT_EQ(short_count(24576), "24.58 k");
  EXPECT_EQ(short_count(3.4849e6), "3.48 M");
  EXPECT_EQ(short_count(7.3e9), "7.30 G");
  EXPECT_EQ(short_count(2.03798e12), "2.04 T");
}

// The published use of DMMoE's experts, with made-up classes: 160,000 tokens of 10,000 examples.
RoutingProfile published() {
  LayerProfile layer;
  layer.counts = {"layers.0", {103993, 51438, 103602, 60967}, 160000, 0, 0};
  layer.experts = {{0, "mlp", "mlp", 65920, 65536},
                   {1, "cnn", "conv1d", 353, 40960},
                   {2, "vit", "vit_block", 132480, 135168},
                   {3, "rnn", "lstm_cell", 132096, 131072}};
  layer.groups.push_back(
      {"class", {"cat", "sea\x1b[31m"}, {63993, 40000, 25438, 26000, 45000, 58602, 30967, 30000}, {80000, 80000}});
  for (int i = 0; i <= 40; ++i) layer.shuffled_information.push_back(i * 1e-5);
  RoutingProfile profile;
  profile.num_examples = 10000;
  profile.cost = {{3.48e6, 357611, 0}, {3.67e6, 357611, 0}};
  profile.dense_macs = 6.2e6;
  profile.layers.push_back(layer);
  return profile;
}

bool any_has(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.find(text) != line.npos; });
}

TEST(Report, ShowsEveryExpertWithItsShare) {
  const auto lines = routing_lines(published(), 140);
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0],
            "layers.0   320,000 assignments  k 2.00  CV 0.300  H 0.967  effective 3.82  max/ideal 1.30  dead 0  "
            "unrouted 0.0 %  drop 0.0 %");
  const std::string whole = bar(1, 28);
  EXPECT_EQ(lines[1], "  0 mlp  65,920 params  " + whole + "   32.5 %  x1.30  most above chance: cat");
  EXPECT_TRUE(lines[2].starts_with("  1 cnn     353         " + bar(.5, 28).substr(0, 13 * 3))) << lines[2];
  EXPECT_TRUE(lines[2].ends_with("   16.1 %  x0.64  -")) << lines[2];
  EXPECT_TRUE(lines[4].ends_with("   19.1 %  x0.76  -")) << lines[4];
  EXPECT_EQ(lines[6],
            "MAC of an example: routed 3.48 M, executed 3.67 M (x1.05)  all experts on all tokens 6.20 M  "
            "357,611 parameters");
}

TEST(Report, SaysWhatClassesTellAboutExperts) {
  auto profile = published();
  EXPECT_TRUE(any_has(routing_lines(profile, 140), "class information NMI 0.0"));
  for (auto& value : profile.layers[0].shuffled_information) value += 1;
  EXPECT_TRUE(any_has(routing_lines(profile, 140), "not distinguishable from chance"));
  EXPECT_FALSE(any_has(routing_lines(profile, 140), "most above chance"));
  profile.layers[0].groups.clear();
  EXPECT_FALSE(any_has(routing_lines(profile, 140), "class information"));
}

TEST(Report, FitsAnyTerminalAndNamesCannotSteerIt) {
  auto profile = published();
  profile.layers[0].experts[1].name = "a very long name \x1b]0;title\x07 of an expert";
  profile.layers[0].knock_out = KnockOut{1, .5, {.1, .2, .3, .4}, {-.1, -.2, -.3, -.4}, {}};
  profile.layers[0].similarity = Similarity{2048, false, std::vector<double>(16, .5)};
  profile.random_router = profile.layers;
  for (const int width : {20, 40, 60, 80, 100, 132, 200}) {
    for (const auto& line : routing_lines(profile, width)) {
      EXPECT_LE(columns_of(line), static_cast<size_t>(width)) << line;
      EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; })) << line;
    }
  }
  EXPECT_TRUE(any_has(routing_lines(profile, 100), "sea\\x1b[31m"));
}

TEST(Report, ShowsWhatWasRecordedBesideTheRouting) {
  auto profile = published();
  profile.layers[0].knock_out = KnockOut{1, .5, {.1, .2, .3, .4}, {-.1, -.2, -.3, -.4}, {}};
  profile.layers[0].similarity = Similarity{100, true, {1, .9, .1, .2, .9, 1, .3, .1, .1, .3, 1, NAN, .2, .1, NAN, 1}};
  profile.random_router = profile.layers;
  profile.random_router[0].counts.count_E = {80000, 80000, 80000, 80000};
  const auto lines = routing_lines(profile, 300);
  EXPECT_TRUE(any_has(lines, "without an expert  0 mlp: loss +0.1000, accuracy -10.00 %  1 cnn: loss +0.2000"));
  EXPECT_TRUE(any_has(lines, "similarity (CKA debiased, 100 tokens)  0 mlp: most like 1 cnn, 0.900"));
  EXPECT_TRUE(any_has(lines, "2 vit: most like 1 cnn, 0.300"));
  EXPECT_TRUE(any_has(lines, "with a random router  CV 0.000  H 1.000  class information NMI 0."));
}

TEST(Report, OfLayersWithoutAssignments) {
  auto profile = published();
  profile.layers[0].counts.count_E = {0, 0, 0, 0};
  profile.layers[0].groups[0].count_EG.assign(8, 0);
  const auto lines = routing_lines(profile, 100);
  EXPECT_TRUE(any_has(lines, "dead 4"));
  EXPECT_TRUE(any_has(lines, "  0.0 %  x0.00"));
}

}  // namespace
}  // namespace heterodyne::cli::report_test
