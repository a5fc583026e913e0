#include "cli/config_diff.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::config_diff_test {
namespace {

std::vector<std::string> paths(const Table& a, const Table& b) {
  std::vector<std::string> all;
  for (const auto& difference : config_diff(a, b)) all.push_back(difference.path);
  return all;
}

TEST(ConfigDiff, EqualConfigurationsDifferInNothing) {
  const Table config{{"a", 1}, {"b", Table{{"c", 2.5}}}};
  EXPECT_TRUE(config_diff(config, config).empty());
  EXPECT_TRUE(config_diff({}, {}).empty());
}

TEST(ConfigDiff, ASettingInsideASectionIsNamedByItsPathWithBothValues) {
  const auto found = config_diff({{"a", 1}, {"b", Table{{"c", 2}}}}, {{"a", 1}, {"b", Table{{"c", 3}}}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "b.c");
  EXPECT_EQ(found[0].a, Value(2));
  EXPECT_EQ(found[0].b, Value(3));
}

TEST(ConfigDiff, WhatOneSideLacksIsNullThere) {
  const auto found = config_diff({{"left", 1}}, {{"right", 2}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].path, "left");
  EXPECT_TRUE(found[0].b.is_null());
  EXPECT_EQ(found[1].path, "right");
  EXPECT_TRUE(found[1].a.is_null());
}

TEST(ConfigDiff, ListsOfTablesAreComparedEntryByEntryAndOtherListsWhole) {
  const Table a{{"experts", Array{Table{{"hidden", 8}}, Table{{"hidden", 9}}}}, {"layers", Array{0, 1}}};
  const Table b{{"experts", Array{Table{{"hidden", 8}}, Table{{"hidden", 7}}, Table{{"kind", "x"}}}},
                {"layers", Array{0}}};
  EXPECT_EQ(paths(a, b), (std::vector<std::string>{"experts.1.hidden", "layers", "experts.2.kind"}));
}

TEST(ConfigDiff, ATypeCountsAsADifference) {
  EXPECT_EQ(paths({{"a", 1}}, {{"a", "1"}}), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace heterodyne::cli::config_diff_test
