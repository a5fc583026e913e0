#include "heterodyne/data/tokens/described.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::described_test {
namespace {

using namespace tokens;

TEST(Described, FindsTheType) {
  const std::map<std::string, int> known{{"A", 1}, {"B", 2}};
  EXPECT_EQ(find_type(known, {{"type", "B"}}, "t.json"), 2);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { find_type(known, {{"type", "C"}}, "t.json: model"); }),
            "t.json: model: type: expected one of A, B, got \"C\"");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { described(5, "t.json: model"); }),
            "t.json: model: expected a table, got a whole number");
}

TEST(Described, SaysWhereOnce) {
  EXPECT_EQ(inside("t.json", "decoder"), "t.json: decoder");
  EXPECT_EQ(inside("t.json: decoder", "decoder"), "t.json: decoder");
}

TEST(Described, TakesDefaults) {
  const Table table{{"is_on", true}, {"name", Value()}};
  EXPECT_TRUE(flag_or(table, "is_on", false, "t"));
  EXPECT_FALSE(flag_or(table, "other", false, "t"));
  EXPECT_EQ(text_or(table, "name", "x", "t"), "x");
  EXPECT_THROW(text_or(table, "is_on", "x", "t"), FormatError);
}

}  // namespace
}  // namespace heterodyne::described_test
