#include "heterodyne/base/table.h"

#include <gtest/gtest.h>

namespace heterodyne::table_test {
namespace {

TEST(Table, KeepsTheOrderOfItsKeys) {
  Table table{{"kind", "top_k"}, {"k", 2}, {"a", 0.5}};
  EXPECT_EQ(table.keys(), (std::vector<std::string>{"kind", "k", "a"}));
  table.set("k", 3);
  EXPECT_EQ(table.keys(), (std::vector<std::string>{"kind", "k", "a"}));
  EXPECT_EQ(*table.find("k")->if_integer(), 3);
  table.erase("kind");
  EXPECT_EQ(table.find("kind"), nullptr);
}

TEST(Table, FindsADottedPath) {
  const Table table{{"moe", Table{{"router", Table{{"k", 2}}}}}, {"seed", 1}};
  EXPECT_EQ(*table.find_path("moe.router.k"), Value(2));
  EXPECT_EQ(*table.find_path("seed"), Value(1));
  EXPECT_EQ(table.find_path("moe.k"), nullptr);
  EXPECT_EQ(table.find_path("seed.k"), nullptr);
}

TEST(Table, NestsAndCompares) {
  const Table a{{"router", Table{{"k", 2}}}, {"layers", Array{0, 1}}};
  Table b = a;
  EXPECT_EQ(a, b);
  b.find("router")->if_table()->set("k", 1);
  EXPECT_FALSE(a == b);
  EXPECT_EQ(*a.find("router")->if_table()->find("k")->if_integer(), 2) << "copies are deep";
}

TEST(Value, ComparesContentsNotPositions) {
  Value a(1), b(1);
  b.set_position({"x.toml", 3, 4});
  EXPECT_EQ(a, b);
  EXPECT_FALSE(Value(1) == Value(1.0));
  EXPECT_TRUE(Value().is_null());
}

}  // namespace
}  // namespace heterodyne::table_test
