// The promises of check.h, kept by every check, on a machine where nothing is as it should be.
#include "cli/check.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::check_test {
namespace {

class CheckContract : public testing::TestWithParam<std::string> {
 protected:
  void expect_sound(const cli::Environment& environment) const {
    const auto findings = checks().find(GetParam()).run(environment);
    EXPECT_FALSE(findings.empty());
    for (const auto& finding : findings) {
      EXPECT_FALSE(finding.text.empty());
      EXPECT_EQ(finding.text.find('\n'), std::string::npos) << finding.text;
      EXPECT_FALSE(finding.health == Health::kFix && finding.fix.empty()) << finding.text;
    }
  }
  fixtures::TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Checks, CheckContract, testing::ValuesIn(checks().names()),
                         [](const auto& test) { return test.param; });

TEST_P(CheckContract, HasASummary) { EXPECT_FALSE(checks().find(GetParam()).summary.empty()); }

TEST_P(CheckContract, WorksWhereNothingIsThereAndLeavesNothing) {
  expect_sound({.arguments = {}, .runs = folder_ / "a/b/runs", .data = folder_ / "nothing", .threads = ""});
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_P(CheckContract, WorksWhereThePathsAreNoFolders) {
  const std::string file = folder_.put("file", "x");
  expect_sound({.arguments = {},
                .runs = file,
                .data = file,
                .threads = "many",
                .variables = {{"HETERODYNE_RUNS", file}, {"HETERODYNE_DATA", file}, {"HETERODYNE_THREADS", "many"}}});
}

std::vector<CheckResult> findings_of(const std::string& check, const cli::Environment& environment) {
  return checks().find(check).run(environment);
}

TEST(Checks, AFileInThePlaceOfTheRunsFolderIsToBeFixed) {
  const fixtures::TemporaryFolder folder;
  cli::Environment environment;
  environment.runs = folder.put("runs", "x");
  EXPECT_EQ(findings_of("runs", environment).at(0).health, Health::kFix);
  environment.runs = folder / "none/yet";
  EXPECT_EQ(findings_of("runs", environment).at(0).health, Health::kOk);
}

TEST(Checks, TheLastRunSaysHowMuchDiskIsNeeded) {
  const fixtures::TemporaryFolder folder;
  folder.put("runs/one/resolved.toml", "");
  folder.put("runs/one/checkpoints/weights", std::string(3'000'000, 'x'));
  cli::Environment environment;
  environment.runs = folder / "runs";
  EXPECT_NE(findings_of("disk", environment).at(0).text.find("the last run took 3.0 MB"), std::string::npos);
}

TEST(Checks, VariablesThatNobodyReadsOrThatAreWrongAreNamed) {
  cli::Environment environment;
  environment.variables = {{"HETERODYNE_RUN", "x"}, {"HETERODYNE_THREADS", "many"}, {"HETERODYNE_RUNS", "runs"}};
  const auto findings = findings_of("variables", environment);
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0].health, Health::kWarn);
  EXPECT_EQ(findings[0].text, "HETERODYNE_RUN is set, but nothing reads it; nearest: HETERODYNE_RUNS");
  EXPECT_EQ(findings[1].health, Health::kFix);
  EXPECT_EQ(findings[2].health, Health::kOk);
}

TEST(Checks, WhatACheckThrowsIsAFinding) {
  const CheckKind broken{
      "the moon", {}, [](const cli::Environment&) -> std::vector<CheckResult> { throw Error("gone"); }};
  const auto findings = cli::run_check(broken, {});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].health, Health::kWarn);
  EXPECT_EQ(findings[0].text, "not checked (the moon): gone");
}

TEST(Checks, SizesAreWrittenForPeople) {
  EXPECT_EQ(cli::size_text(2'100'000'000), "2.1 GB");
  EXPECT_EQ(cli::size_text(3'000'000), "3.0 MB");
  EXPECT_EQ(cli::size_text(512), "0.5 kB");
}

}  // namespace
}  // namespace heterodyne::check_test
