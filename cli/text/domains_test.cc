#include "cli/text/domains.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::domains_test {
namespace {

constexpr const char* kRows =
    "{\"instruction\": \"boil the rice\", \"output\": \"add salt\", \"sort\": \"food\"}\n"
    "{\"messages\": [{\"role\": \"user\", \"content\": \"who scored goals\"}, {\"role\": \"assistant\", \"content\": "
    "\"the match had two goals\"}], \"sort\": \"a b\"}\n"
    "{\"instruction\": \"rice with salt\", \"output\": \"boil\", \"sort\": \"food\"}\n"
    "{\"instruction\": \"a match without goals\", \"output\": \"scored none\", \"sort\": \"a b\"}\n";

class DomainsTest : public ::testing::Test {
 protected:
  TextRows read(const std::string& text) const { return read_text_rows(folder_.put("rows.jsonl", text)); }
  fixtures::TemporaryFolder folder_;
};

TEST_F(DomainsTest, ARowsTextIsAllTheTextInIt) {
  const auto rows = read(kRows);
  EXPECT_EQ(rows.texts[0], "boil the rice\nadd salt");
  EXPECT_EQ(read("{\"a\": \"one\", \"b\": [\"two\"]}").texts[0], "one\ntwo");
  EXPECT_EQ(rows.texts[1], "who scored goals\nthe match had two goals\na b");
}

TEST_F(DomainsTest, ByAFieldTheyHaveItsValuesAndAreWrittenUnderThem) {
  const auto rows = read(kRows);
  const auto domains = domains_by_field(rows, "sort", "rows.jsonl");
  EXPECT_EQ(domains.names, (std::vector<std::string>{"a b", "food"}));
  EXPECT_EQ(domains.domain_N, (std::vector<int64_t>{1, 0, 1, 0}));
  write_domains(rows, domains, folder_ / "out");
  const auto food = io::read_file(folder_ / "out/food.jsonl");
  EXPECT_EQ(food.substr(0, food.find('\n')),
            "{\"instruction\":\"boil the rice\",\"output\":\"add salt\",\"sort\":\"food\"}");
  EXPECT_EQ(read_text_rows(folder_ / "out/a_b.jsonl").rows.size(), 2u);
}

TEST_F(DomainsTest, ByMeaningTextsAboutOneThingComeTogether) {
  const auto rows = read(kRows);
  const auto domains = domains_by_meaning(rows, 2, 1, nullptr);
  EXPECT_EQ(domains.domain_N, (std::vector<int64_t>{0, 1, 0, 1}));
  const auto table = domain_rows(rows, domains);
  EXPECT_EQ(table.rows[0][1], Value(2));
  EXPECT_NE(table.rows[0][2].if_text()->find("rice"), std::string::npos);
  EXPECT_NE(table.rows[1][2].if_text()->find("goals"), std::string::npos);
}

TEST_F(DomainsTest, WhatCannotBeDividedIsNamed) {
  const auto rows = read(kRows);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { domains_by_field(rows, "kind", "rows.jsonl"); }),
            "rows.jsonl: row 1: kind: expected text or a whole number, got none");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { domains_by_meaning(rows, 5, 1, nullptr); }),
            "[data domains] clusters: expected at most the file's 4 rows, got 5");
  EXPECT_NE(
      fixtures::message_of<FormatError>([&] { read("{\"n\": 1}\n"); }).find("line 1: expected a row that holds text"),
      std::string::npos);
  EXPECT_NE(fixtures::message_of<FormatError>([&] { read("\n"); }).find("expected rows, got none"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::cli::domains_test
