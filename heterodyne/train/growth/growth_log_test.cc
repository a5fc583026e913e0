#include "heterodyne/train/growth/growth_log.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/metrics_log.h"

namespace heterodyne::growth_log_test {
namespace {

TEST(GrowthLog, KeepsALineForEachEventAndIsCutWhereARunGoesOn) {
  const fixtures::TemporaryFolder folder;
  const std::string path = folder / "experts.jsonl";
  GrowthLog log(path);
  EXPECT_FALSE(std::filesystem::exists(path)) << "a run without growth has no such file";
  log.on_growth(
      {20, {{"layers.1", "remove", 5, {}, "0 assignments in 10 steps", 3}, {"layers.1", "add", 6, {2}, "x", 4}}});
  log.on_growth({40, {{"layers.1", "remove", 6, {}, "y", 3}}});
  const std::string first =
      R"({"step":20,"layer":1,"event":"remove","id":5,"reason":"0 assignments in 10 steps","experts":3})"
      "\n"
      R"({"step":20,"layer":1,"event":"add","id":6,"reason":"x","experts":4,"parents":[2]})"
      "\n";
  const std::string second = R"({"step":40,"layer":1,"event":"remove","id":6,"reason":"y","experts":3})"
                             "\n";
  EXPECT_EQ(io::read_file(path), first + second);
  cut_metrics(path, 39);
  EXPECT_EQ(io::read_file(path), first);
}

}  // namespace
}  // namespace heterodyne::growth_log_test
