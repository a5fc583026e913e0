#include "heterodyne/report/report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/report/fixtures.h"
#include "heterodyne/report/page.h"

namespace heterodyne::report_test {
namespace {

std::vector<std::string> ids_of(const Report& report) {
  std::vector<std::string> ids;
  for (const auto& panel : report.panels) ids.push_back(panel.id);
  return ids;
}

TEST(Report, HasItsPanelsInTheirOrder) {
  EXPECT_EQ(ids_of(make_report(fixtures::full_input())),
            (std::vector<std::string>{"training", "load_over_time", "load", "classes", "co_activation", "balance",
                                      "confidence", "specialisation", "lifecycle", "cost", "knock_out", "similarity",
                                      "provenance"}));
}

TEST(Report, OfTwoInputsShowsTheChange) {
  ReportInput input = fixtures::full_input();
  input.before = input.run;
  const auto ids = ids_of(make_report(input));
  EXPECT_NE(std::find(ids.begin(), ids.end(), "change"), ids.end());
}

TEST(Report, WorstFindingsComeFirst) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers[1].counts.count_E = {120, 0, 0};
  const Report report = make_report(input);
  EXPECT_EQ(report.findings.front().finding.severity, Severity::kRed);
  EXPECT_TRUE(std::is_sorted(report.findings.begin(), report.findings.end(),
                             [](const auto& a, const auto& b) { return a.finding.severity < b.finding.severity; }));
}

TEST(Report, SaysInOneSentenceThatNothingIsWrong) {
  ReportInput input = fixtures::full_input();
  input.run.routing->layers[0].shuffled_information.clear();
  const Report report = make_report(input);
  EXPECT_EQ(report.findings[0].kind, "all_clear");
  EXPECT_EQ(report.findings[0].finding.text,
            "Nothing wrong was found: 7 experts in 2 layers, none dead, starved or collapsed.");
}

TEST(Report, OfARunWithoutRoutingSaysHowToRecordIt) {
  const Report report = make_report(fixtures::running_input());
  EXPECT_EQ(
      report.findings[0].finding.text,
      "No routing is recorded, so nothing can be said of the experts. This records it: heterodyne route runs/going");
  EXPECT_EQ(*report.about.find("state"), Value("running"));
  EXPECT_EQ(*report.about.find("steps"), Value("1,000"));
}

TEST(Report, OfARunThatHoldsNothingYetIsMade) {
  const Report report = make_report(fixtures::empty_input());
  EXPECT_EQ(report.title, "empty");
  EXPECT_FALSE(report.panels.empty());
}

TEST(Report, OfAProfileAloneLeavesOutWhatOnlyRunsHave) {
  ReportInput input;
  input.run.path = "routing.safetensors";
  input.run.routing = fixtures::profile();
  const auto ids = ids_of(make_report(input));
  EXPECT_EQ(std::find(ids.begin(), ids.end(), "training"), ids.end());
  EXPECT_EQ(ids.front(), "load");
}

// Twelve layers of 64 experts, 500 entries of load.
ReportInput large_input() {
  ReportInput input = fixtures::running_input();
  RoutingProfile profile = fixtures::profile();
  profile.layers.clear();
  profile.random_router.clear();
  const size_t E = 64;
  for (int l = 0; l < 12; ++l) {
    LayerProfile layer = fixtures::wide_layer();
    layer.experts.clear();
    layer.counts.layer = "layers." + std::to_string(l);
    layer.counts.count_E.clear();
    layer.groups[0].count_EG.clear();
    LoadHistory history{layer.counts.layer, {}, {}, {}};
    uint64_t state = 7;
    const auto draw = [&](int64_t below) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      return static_cast<int64_t>(state >> 33) % below;
    };
    for (size_t e = 0; e < E; ++e) {
      layer.experts.push_back({static_cast<int64_t>(e), "mlp", "mlp", 65920, 65536});
      history.id_E.push_back(static_cast<int64_t>(e));
      layer.counts.count_E.push_back(10000 + draw(1000));
      for (int y = 0; y < 10; ++y) layer.groups[0].count_EG.push_back(1000 + draw(100));
    }
    layer.pair_EE.clear();
    for (size_t i = 0; i < E * E; ++i)
      layer.pair_EE.push_back(i % (E + 1) == 0 ? layer.counts.count_E[i / E] : draw(500));
    layer.similarity->cka_EE.clear();
    for (size_t i = 0; i < E * E; ++i) layer.similarity->cka_EE.push_back(static_cast<double>(draw(1000000)) / 1e6);
    layer.knock_out->loss_change_E.assign(E, 0.01);
    layer.knock_out->accuracy_change_E.assign(E, 0.01);
    layer.knock_out->loss_change_EY.clear();
    for (size_t i = 0; i < E * 10; ++i)
      layer.knock_out->loss_change_EY.push_back(static_cast<double>(draw(1000000)) / 1e7);
    for (int64_t t = 1; t <= 500; ++t) {
      history.step_T.push_back(100 * t);
      for (size_t e = 0; e < E; ++e) history.count_TE.push_back(1000 + draw(100));
    }
    profile.layers.push_back(layer);
    input.loads.push_back(history);
  }
  input.run.routing = profile;
  return input;
}

TEST(Report, OfALargeNetworkFitsIntoAPage) { EXPECT_LT(html_page(make_report(large_input())).size(), 2'000'000U); }

TEST(Report, OfNothingIsRefused) { EXPECT_THROW(make_report({}), ConfigError); }

}  // namespace
}  // namespace heterodyne::report_test
