#include "cli/view/comparison_page.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/report/page.h"

namespace heterodyne::cli::comparison_page_test {
namespace {

RunRecord run_of(const std::string& name, int64_t seed, int64_t width, const std::vector<double>& accuracies) {
  RunRecord run;
  run.name = name;
  run.path = "runs/" + name + std::to_string(seed);
  run.config = Table{{"name", name}, {"seed", seed}, {"model", Table{{"width", width}}}};
  for (size_t i = 0; i < accuracies.size(); ++i) {
    run.metrics.push_back(
        Table{{"step", static_cast<int64_t>(10 * (i + 1))}, {"kind", "valid"}, {"accuracy", accuracies[i]}});
  }
  return run;
}

ComparedGroup group_of(const std::vector<RunRecord>& runs) {
  ComparedGroup group;
  for (const auto& run : runs) group.outcomes.push_back(outcome_of(run, run.name));
  group.runs = runs;
  return group;
}

std::vector<ComparedGroup> two_groups() {
  return {group_of({run_of("a", 1, 8, {0.1, 0.3}), run_of("a", 2, 8, {0.3, 0.5, 0.6})}),
          group_of({run_of("b", 1, 16, {0.2, 0.4}), run_of("b", 2, 16, {0.4, 0.7})})};
}

const Panel& panel_of(const Report& report, const std::string& id) {
  for (const auto& named : report.panels) {
    if (named.id == id) return named.panel;
  }
  throw std::out_of_range(id);
}

TEST(ComparisonPage, CurvesOfAGroupAreTheMeanAtStepsThatAllRunsHave) {
  const Report report = comparison_report(two_groups(), {});
  const Figure& accuracy = panel_of(report, "curves").figures.at(0);
  ASSERT_EQ(accuracy.views.size(), 2U);
  const Array& lines = *accuracy.views[0].chart.find("series")->if_array();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(write_value(*lines[0].if_table()->find("points")), "[[10, 0.2], [20, 0.4]]");
  EXPECT_EQ(accuracy.views[0].reading, "The best of all is 0.55 of b; each line is the mean of a group's runs.");
  EXPECT_EQ(accuracy.views[1].chart.find("series")->if_array()->size(), 4U);
  EXPECT_EQ(accuracy.views[1].table.rows[1], (std::vector<Value>{"a, seed 2", 0.3, 0.6, 30, 0.6, 3}));
  EXPECT_FALSE(accuracy.views[0].svg.empty()) << "for pages without scripts";
}

TEST(ComparisonPage, HasDifferencesSettingsAndWarnings) {
  const Report report = comparison_report(two_groups(), {"a has more"});
  EXPECT_EQ(report.findings.at(0).finding.text, "a has more");
  const Rows& differences = panel_of(report, "differences").figures.at(0).views.at(0).table;
  EXPECT_EQ(differences.rows.at(0)[2], Value(2));
  const Rows& settings = panel_of(report, "settings").figures.at(0).views.at(0).table;
  ASSERT_EQ(settings.rows.size(), 1U);
  EXPECT_EQ(settings.rows[0], (std::vector<Value>{"model.width", "8", "16"}));
}

TEST(ComparisonPage, IsAPageThatSaysWhatItIs) {
  const std::string page = html_page(comparison_report(two_groups(), {}));
  EXPECT_NE(page.find("<title>a and b: comparison</title>"), std::string::npos);
  EXPECT_NE(page.find("heterodyne comparison"), std::string::npos);
  EXPECT_EQ(page.find("routing report"), std::string::npos);
  EXPECT_EQ(page, html_page(comparison_report(two_groups(), {})));
}

TEST(ComparisonPage, RunsThatRecordedNothingAreSaidToHaveNone) {
  const Report report = comparison_report({group_of({run_of("a", 1, 8, {})}), group_of({run_of("b", 1, 8, {})})}, {});
  EXPECT_FALSE(panel_of(report, "curves").absent.empty());
  EXPECT_FALSE(panel_of(report, "settings").absent.empty());
  EXPECT_EQ(report.panels.size(), 3U) << "no differences";
}

}  // namespace
}  // namespace heterodyne::cli::comparison_page_test
