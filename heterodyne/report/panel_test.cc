// The promises of panel.h, kept by every kind for every sort of run.
#include "heterodyne/report/panel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "heterodyne/io/json.h"
#include "heterodyne/report/fixtures.h"

namespace heterodyne::panel_test {
namespace {

// Names and numbers that nobody expects.
ReportInput nasty_input() {
  ReportInput input = fixtures::full_input();
  input.run.name = "</script>\x01\xff&\"'";
  input.run.path = "runs/a b'c";
  RoutingProfile& profile = *input.run.routing;
  profile.about.set("split", "<b>");
  profile.cost = {};
  profile.dense_macs = fixtures::kNan;
  LayerProfile& none = profile.layers[0];  // zero counts throughout
  none.counts.count_E = {0, 0, 0, 0};
  none.counts.num_tokens = 0;
  none.pair_EE.assign(16, 0);
  none.k_histogram = {};
  none.groups[0].count_EG.assign(40, 0);
  none.groups[0].token_G.assign(10, 0);
  none.experts[1].name = "\xc3\x28\n|<i>";
  none.confidence->num_tokens = 0;
  none.knock_out->loss_change_E = {fixtures::kNan, fixtures::kNan, fixtures::kNan, fixtures::kNan};
  none.similarity->cka_EE.assign(16, fixtures::kNan);
  LayerProfile& one = profile.layers[1];  // one expert, one class
  one.experts.resize(1);
  one.counts = {"layers.1", {7}, 7, 0, 0};
  one.pair_EE = {7};
  one.groups = {{"class", {"\xff"}, {7}, {7}}};
  one.sample = {};
  input.run.metrics.push_back(
      Table{{"step", 1100}, {"kind", "train"}, {"loss", Value()}, {"nonfinite", Array{"loss"}}});
  input.run.metrics.push_back(Table{{"kind", "train"}, {"loss", "text"}});
  input.run.metrics.push_back(Table{});
  input.run.events.push_back(Table{{"layer", "<u>"}, {"event", "merge"}, {"id", -1}, {"parents", Array{"x", -1, 3}}});
  for (LoadHistory& history : input.loads) std::fill(history.count_TE.begin(), history.count_TE.end(), 0);
  return input;
}

ReportInput compared_input() {
  ReportInput input = fixtures::full_input();
  input.before = input.run;
  return input;
}

const std::map<std::string, ReportInput (*)()> kInputs = {{"full", fixtures::full_input},
                                                          {"empty", fixtures::empty_input},
                                                          {"running", fixtures::running_input},
                                                          {"nasty", nasty_input},
                                                          {"compared", compared_input}};

class PanelContract : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  const PanelKind& kind = panels().find(std::get<0>(GetParam()));
  const std::optional<Panel> panel = kind.make(kInputs.at(std::get<1>(GetParam()))());
};
INSTANTIATE_TEST_SUITE_P(Kinds, PanelContract,
                         testing::Combine(testing::ValuesIn(panels().names()),
                                          testing::Values("full", "empty", "running", "nasty", "compared")),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param); });

TEST_P(PanelContract, HasFiguresOrSaysWhyNot) {
  if (!panel) return;
  EXPECT_FALSE(panel->title.empty());
  EXPECT_NE(panel->figures.empty(), panel->absent.empty()) << panel->absent;
  if (!panel->absent.empty()) {
    EXPECT_TRUE(panel->absent.find('.') != std::string::npos) << panel->absent;
  }
}

TEST_P(PanelContract, EveryFigureHasAViewForEachSettingOfItsSwitches) {
  if (!panel) return;
  for (const Figure& figure : panel->figures) {
    EXPECT_FALSE(figure.title.empty());
    size_t num_settings = 1;
    for (const Choice& choice : figure.choices) {
      EXPECT_GT(choice.options.size(), 1U);
      EXPECT_LT(choice.chosen, choice.options.size());
      num_settings *= choice.options.size();
    }
    std::set<std::vector<size_t>> settings;
    for (const View& view : figure.views) settings.insert(view.options);
    EXPECT_EQ(settings.size(), num_settings) << figure.title;
    EXPECT_EQ(figure.views.size(), num_settings) << figure.title;
  }
}

TEST_P(PanelContract, EveryViewIsReadInASentenceAndHasItsNumbersAsATable) {
  if (!panel) return;
  for (const Figure& figure : panel->figures) {
    for (const View& view : figure.views) {
      ASSERT_FALSE(view.reading.empty()) << figure.title;
      EXPECT_EQ(view.reading.back(), '.') << view.reading;
      EXPECT_EQ(view.reading.find("nan"), std::string::npos) << view.reading;
      for (const auto& row : view.table.rows) EXPECT_EQ(row.size(), view.table.columns.size()) << figure.title;
      if (view.chart.empty()) continue;
      EXPECT_FALSE(view.unit.empty()) << figure.title;
      EXPECT_TRUE(view.count.find_first_of("0123456789") != std::string::npos) << view.count;
      EXPECT_FALSE(view.table.columns.empty()) << figure.title;
    }
  }
}

TEST_P(PanelContract, ChartsHoldFiniteNumbersAndFitTogether) {
  if (!panel) return;
  for (const Figure& figure : panel->figures) {
    for (const View& view : figure.views) {
      if (view.chart.empty()) continue;
      // What is not finite would be lost on the way through JSON.
      EXPECT_EQ(io::parse_json(io::write_json(Value(view.chart)), "chart").if_table()->size(), view.chart.size());
      const std::string drawn = *view.chart.find("kind")->if_text();
      EXPECT_TRUE((std::set<std::string>{"lines", "bars", "heatmap", "spans", "ranges"}.contains(drawn))) << drawn;
      if (drawn != "heatmap") continue;
      const size_t num_columns = view.chart.find("columns")->if_array()->size();
      EXPECT_EQ(view.chart.find("values")->if_array()->size(), view.chart.find("rows")->if_array()->size());
      for (const Value& row : *view.chart.find("values")->if_array()) EXPECT_EQ(row.if_array()->size(), num_columns);
    }
  }
}

View view_of(const Panel& panel, size_t figure, size_t view) { return panel.figures.at(figure).views.at(view); }

Panel panel_of(const std::string& kind, const ReportInput& input = fixtures::full_input()) {
  return panels().find(kind).make(input).value();
}

// Counts 103993 51438 103602 60967.
TEST(Panels, BalanceOfThePublishedUse) {
  const auto row = view_of(panel_of("balance"), 0, 0).table.rows.at(0);
  EXPECT_EQ(row.at(0), Value("layers.0"));
  EXPECT_EQ(row.at(2), Value(320000));
  EXPECT_EQ(row.at(3), Value(2));
  EXPECT_NEAR(*row.at(4).if_real(), 0.3004, 5e-5);
  EXPECT_NEAR(*row.at(5).if_real(), 0.9667, 5e-5);
  EXPECT_NEAR(*row.at(7).if_real(), 0.2999, 5e-5);
}

TEST(Panels, BalanceOfTheFirstEpoch) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers[0].counts.count_E = {66747, 153824, 19589, 79840};
  const auto row = view_of(panel_of("balance", input), 0, 0).table.rows.at(0);
  EXPECT_NEAR(*row.at(4).if_real(), 0.6019, 5e-5);
  EXPECT_NEAR(*row.at(5).if_real(), 0.8630, 5e-5);
  EXPECT_NEAR(*row.at(7).if_real(), 0.9228, 5e-5);
}

TEST(Panels, SpecialisationOfTheKnownTable) {
  const auto rows = view_of(panel_of("specialisation"), 0, 0).table.rows;
  EXPECT_NEAR(*rows.at(1).at(1).if_real(), 0.253234, 5e-7);
  EXPECT_NEAR(*rows.at(1).at(2).if_real(), 0.230504, 5e-7);
  EXPECT_NEAR(*rows.at(1).at(4).if_real(), 0.253234 - 0.016667, 1e-6);
  EXPECT_EQ(rows.at(1).back(), Value("beyond chance"));
  EXPECT_EQ(rows.at(0).back(), Value("not distinguishable from chance")) << "every class uses the experts alike";
}

// Image tokens get experts 0 and 1, text tokens expert 4 alone: I = H(80, 40 of 120) = .636514, divergence ln 2.
TEST(Panels, ModalitiesOfAKnownTable) {
  ReportInput input = fixtures::full_input();
  EXPECT_FALSE(panels().find("modalities").make(input)) << "images alone";
  LayerProfile& layer = input.run.routing->layers[1];
  layer.groups.push_back({"modality", {"image", "text"}, {40, 0, 40, 0, 0, 40}, {80, 40}, {0.01, 0.02}});
  const Panel panel = panel_of("modalities", input);
  const auto rows = view_of(panel, 0, 0).table.rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NEAR(*rows[0].at(1).if_real(), 0.636514, 1e-6);
  EXPECT_NEAR(*rows[0].at(3).if_real(), 0.693147, 1e-6);
  EXPECT_EQ(rows[0].back(), Value("beyond chance"));
  EXPECT_EQ(panel.figures.at(1).title, "Experts of each modality");
}

TEST(Panels, LoadOpensAtTheWorstLayerAndCrossesDeadExperts) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers[1].counts.count_E = {120, 0, 0};
  const Panel panel = panel_of("load", input);
  EXPECT_EQ(panel.figures.at(1).choices.at(0).chosen, 1U);
  const View& map = view_of(panel, 0, 0);
  EXPECT_EQ(*map.chart.find("crossed"), Value(Array{Array{1, 1}, Array{1, 2}}));
  EXPECT_EQ(*map.chart.find("scale"), Value("log"));
  EXPECT_TRUE(map.svg.starts_with("<svg "));
  EXPECT_NE(map.reading.find("layers.1 1 mlp and layers.1 4 mlp"), std::string::npos) << map.reading;
}

TEST(Panels, LoadOverTimeHasShares) {
  const View& tokens = view_of(panel_of("load_over_time"), 0, 0);
  const Table& first = *(*tokens.chart.find("series")->if_array())[0].if_table();
  EXPECT_EQ((*first.find("points")->if_array())[0], Value(Array{100, 0.3226})) << "400 of 1,240";
  EXPECT_EQ(*tokens.chart.find("levels"), Value(Array{Table{{"y", 0.25}, {"text", "even"}}}));
  // 400 x 65536 of 400 x 65536 + 200 x 20480 + 400 x 131072 + 240 x 65536 MACs.
  const View& macs = view_of(panel_of("load_over_time"), 0, 1);
  const Table& share = *(*macs.chart.find("series")->if_array())[0].if_table();
  EXPECT_EQ((*share.find("points")->if_array())[0], Value(Array{100, 0.2662}));
  // Expert 4 of layer 1 lives from step 600 on.
  const View& changed = view_of(panel_of("load_over_time"), 0, 2);
  const Table& born = *(*changed.chart.find("series")->if_array())[3].if_table();
  EXPECT_EQ(born.find("points")->if_array()->size(), 4U);
  EXPECT_EQ(changed.chart.find("marks")->if_array()->size(), 2U);
}

TEST(Panels, CoActivationLeavesTheDiagonalBlank) {
  const Panel panel = panel_of("co_activation");
  ASSERT_EQ(panel.figures.at(0).choices.size(), 1U) << "layers.1 has k = 1";
  const Array rows = *view_of(panel, 0, 0).chart.find("values")->if_array();
  for (size_t e = 0; e < 4; ++e) EXPECT_TRUE((*rows[e].if_array())[e].is_null());
  EXPECT_EQ((*rows[0].if_array())[1], Value(0.192)) << "20000 of 103993";
  EXPECT_EQ((*rows[1].if_array())[0], Value(0.389)) << "20000 of 51438";
}

TEST(Panels, ALayerThatGivesEachTokenOneExpertHasNoPairs) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers.erase(input.run.routing->layers.begin());
  EXPECT_EQ(panel_of("co_activation", input).absent, "No token gets two experts, so no two experts meet.");
}

TEST(Panels, LifecycleSaysFixedWhenNothingChanged) {
  const Panel panel = panel_of("lifecycle");
  EXPECT_EQ(panel.figures.at(0).choices.at(0).chosen, 1U) << "opens where something changed";
  EXPECT_NE(view_of(panel, 0, 0).reading.find("is fixed: 4 experts"), std::string::npos);
  EXPECT_NE(view_of(panel, 0, 1).reading.find("4 lived in all"), std::string::npos);
  EXPECT_EQ(*view_of(panel, 0, 1).chart.find("links"), Value(Array{Table{{"from", 0}, {"to", 3}, {"x", 600}}}));
}

TEST(Panels, CostComparesRoutedExecutedAndDense) {
  const Panel panel = panel_of("cost");
  EXPECT_NE(view_of(panel, 0, 0).reading.find("need 3.48 M MACs an example, executed were 3.67 M"), std::string::npos);
  // 160,000 tokens of 10,000 examples: 16 each.
  EXPECT_EQ(view_of(panel, 0, 0).table.rows.at(1), (std::vector<Value>{"executed", 3670000, 229375, 1.055}));
  // 357,611 less what the average token does not meet: 65,920 (1 - 103,993/160,000) + 353 (1 - 51,438/160,000) +
  // 132,480 (1 - 103,602/160,000) + 132,096 (1 - 60,967/160,000) + 3 x 100 (1 - 40/120) = 151,974.
  EXPECT_NEAR(static_cast<double>(*view_of(panel, 1, 0).table.rows.at(1).at(1).if_integer()), 357611 - 151974, 2);
}

TEST(Panels, LatencyIsShownWhenItWasMeasured) {
  EXPECT_NE(view_of(panel_of("cost"), 0, 0).reading.find("heterodyne route --latency measures"), std::string::npos);
  ReportInput input = fixtures::full_input();
  input.run.routing->latency = {{1, 64, 2, 1.5, 2.5}, {128, 16, 2, 64, 80}};
  const Panel panel = panel_of("cost", input);
  const auto found = std::find_if(panel.figures.begin(), panel.figures.end(),
                                  [](const Figure& figure) { return figure.title == "Latency of a forward pass"; });
  ASSERT_NE(found, panel.figures.end());
  EXPECT_EQ(found->views[0].table.rows.at(1), (std::vector<Value>{128, 16, 2, 64, 80, 0.5}));
  EXPECT_EQ(
      found->views[0].reading,
      "Half of the passes over 1 example took at most 1.5 ms, 95 % at most 2.5 ms and half of the passes over 128 "
      "examples took at most 64 ms, 95 % at most 80 ms.");
}

TEST(Panels, TokensOfAnExpertStandInTheirText) {
  ReportInput input = fixtures::full_input();
  EXPECT_FALSE(panels().find("token_types").make(input));
  LayerProfile& layer = input.run.routing->layers[1];  // 40 of 120 assignments each
  layer.top_tokens = {{{"<b>", 30, 60, "a ", "<b>", " c"}, {"space", 12, 60, "x", " ", "y"}}, {}, {}};
  const auto panel = panels().find("token_types").make(input);
  ASSERT_TRUE(panel);
  ASSERT_EQ(panel->figures.size(), 1U);
  EXPECT_EQ(panel->figures[0].choices.at(0).options.size(), 3U);
  const View& view = panel->figures[0].views.at(0);
  EXPECT_EQ(view.table.rows.at(0), (std::vector<Value>{"<b>", 0.5, 30, 60, "a «<b>» c"}));
  EXPECT_EQ(view.table.rows.at(1).at(1), Value(0.2));
  EXPECT_EQ(view.reading, "Of all tokens 33.3 % go to expert 0 mlp, of \"<b>\" 50.0 %.");
  EXPECT_EQ(panel->figures[0].views.at(1).reading,
            "Expert 1 mlp of layers.1 gets no token that occurs 50 times or more.");
}

TEST(Panels, ATextHasNoClasses) {
  ReportInput input = fixtures::full_input();
  for (LayerProfile& layer : input.run.routing->layers)
    layer.groups = {{"token_type", {"vowel"}, layer.counts.count_E, {60}}, {"word_place", {"word start"}, {}, {}}};
  EXPECT_FALSE(panels().find("classes").make(input));
  EXPECT_FALSE(panels().find("specialisation").make(input));
  EXPECT_TRUE(panels().find("token_types").make(input));
}

TEST(Panels, WhatWasNotRecordedNamesItsFlag) {
  const Panel panel = panel_of("knock_out", fixtures::running_input());
  EXPECT_EQ(panel.absent,
            "What each expert is worth was not recorded. This records it: heterodyne route runs/going --knockout");
}

// Choices {0,1} {2,3} {0,2} {1} against {0,1} {2,0} {1,3} {}: shares 1, 1/2, 0, 0.
TEST(Panels, SaturationIsTheShareOfChoicesThatStayed) {
  ReportInput input = compared_input();
  input.run.routing->layers[0].sample = {2, {1, 0, 2, 0, 1, 3, -1, -1}};
  const Panel panel = panel_of("change", input);
  EXPECT_EQ(panel.figures.back().views.at(0).table.rows.at(0), (std::vector<Value>{"layers.0", 0.375, 4}));
}

TEST(Panels, LongCurvesAreThinnedAndSaySo) {
  ReportInput input = fixtures::empty_input();
  for (int step = 1; step <= 5000; ++step) {
    input.run.metrics.push_back(Table{{"step", step}, {"kind", "train"}, {"lr", 1.0 / step}});
  }
  const View& view = view_of(panel_of("training", input), 0, 0);
  EXPECT_LE((*view.chart.find("series")->if_array())[0].if_table()->find("points")->if_array()->size(), 500U);
  EXPECT_NE(view.count.find("n = 5,000 points, of which 500 are drawn"), std::string::npos) << view.count;
}

}  // namespace
}  // namespace heterodyne::panel_test
