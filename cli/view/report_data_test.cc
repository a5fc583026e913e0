#include "cli/view/report_data.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::cli::report_data_test {
namespace {

RoutingProfile profile_of() {
  LayerProfile layer;
  layer.counts = {"layers.0", {30, 10}, 20, 1, 2};
  layer.experts = {{4, "a,b", "mlp", 100, 50}, {7, "\x1b", "mlp", 200, 60}};
  layer.knock_out = KnockOut{1, .5, {.25, NAN}, {-.5, 0}, {}};
  layer.similarity = Similarity{10, false, {1, NAN, NAN, 1}};
  RoutingProfile profile;
  profile.about = Table{{"model", "runs/a"}};
  profile.layers = {layer};
  return profile;
}

TEST(ReportData, HasARowForEachExpert) {
  const Rows rows = routing_rows(profile_of());
  ASSERT_EQ(rows.rows.size(), 2U);
  EXPECT_EQ(rows.rows[0], (std::vector<Value>{"layers.0", 4, "a,b", "mlp", 100, 50.0, 30, .75, 1.5, ""}));
  EXPECT_EQ(rows.rows[1][2], Value("\x1b")) << "programs get names as they are";
  EXPECT_EQ(rows.columns.size(), rows.rows[0].size());
}

TEST(ReportData, ADocumentHasNullWhereThereIsNoNumber) {
  const Table table = routing_table(profile_of());
  EXPECT_EQ(*table.find("model"), Value("runs/a"));
  const Table& layer = *(*table.find("layers")->if_array())[0].if_table();
  EXPECT_EQ(*layer.find("assignments"), Value(40));
  EXPECT_EQ(*layer.find("dropped"), Value(2));
  EXPECT_FALSE(layer.contains("nmi")) << "no classes were counted";
  const Table& second = *(*layer.find("experts")->if_array())[1].if_table();
  EXPECT_TRUE(second.find("knock_out_loss")->is_null());
  EXPECT_EQ(*second.find("id"), Value(7));
  EXPECT_TRUE((*(*layer.find("cka")->if_array())[0].if_array())[1].is_null());
  EXPECT_FALSE(table.contains("random_router"));
}

// Thirty and ten of forty, then ten of forty for the first; the second is gone and a new one has thirty.
TEST(ReportData, TellsHowSharesChanged) {
  const auto before = profile_of();
  auto after = profile_of();
  after.layers[0].counts.count_E = {10, 30};
  after.layers[0].experts[1].id = 9;
  const Rows rows = share_changes(before, after);
  ASSERT_EQ(rows.rows.size(), 3U);
  EXPECT_EQ(rows.rows[0], (std::vector<Value>{"layers.0", 4, "a,b", "mlp", 75.0, 25.0, -50.0}));
  EXPECT_EQ(rows.rows[1], (std::vector<Value>{"layers.0", 7, "\x1b", "mlp", 25.0, Value(), Value()}));
  EXPECT_EQ(rows.rows[2], (std::vector<Value>{"layers.0", 9, "\x1b", "mlp", Value(), 75.0, Value()}));
  EXPECT_EQ(rows.columns.size(), rows.rows[0].size());
}

}  // namespace
}  // namespace heterodyne::cli::report_data_test
