#include "heterodyne/train/routing_record.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/eval/routing_file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::routing_record_test {
namespace {

RoutingProfile profile_of(double loss) {
  RoutingProfile profile;
  profile.loss = loss;
  auto& layer = profile.layers.emplace_back();
  layer.counts = {"layers.0", {3}, 3, 0, 0};
  layer.experts = {{0, "a", "mlp", 1, 1}};
  layer.pair_EE = {3};
  layer.k_histogram = {0, 3};
  return profile;
}

TEST(RoutingRecord, KeepsTheLastOne) {
  const fixtures::TemporaryFolder folder;
  RoutingRecord record(folder.path(), false, {});
  record.write(10, profile_of(1));
  record.write(20, profile_of(2));
  EXPECT_EQ(read_routing(folder / "routing.safetensors").loss, 2);
  EXPECT_FALSE(std::filesystem::exists(folder / "routing"));
}

TEST(RoutingRecord, KeepsEveryOneOnRequest) {
  const fixtures::TemporaryFolder folder;
  RoutingRecord record(folder.path(), true, {});
  record.write(10, profile_of(1));
  record.write(20, profile_of(2));
  EXPECT_EQ(read_routing(folder / "routing/step-00000010.safetensors").loss, 1);
  EXPECT_EQ(read_routing(folder / "routing/step-00000020.safetensors").loss, 2);
}

TEST(RoutingRecord, WritesNothingForANetworkWithoutExperts) {
  const fixtures::TemporaryFolder folder;
  RoutingRecord(folder.path(), false, {}).write(10, {});
  EXPECT_FALSE(std::filesystem::exists(folder / "routing.safetensors"));
}

TEST(RoutingRecord, WarnsOnceWhenTheDiskRefuses) {
  const fixtures::TemporaryFolder folder;
  int num_warnings = 0;
  RoutingRecord record(folder / "gone", false, {[&](LogLevel, const std::string&) { ++num_warnings; }});
  record.write(10, profile_of(1));
  record.write(20, profile_of(2));
  EXPECT_EQ(num_warnings, 1);
}

}  // namespace
}  // namespace heterodyne::routing_record_test
