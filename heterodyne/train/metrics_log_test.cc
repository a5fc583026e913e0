#include "heterodyne/train/metrics_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <numeric>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::metrics_log_test {
namespace {

TEST(MetricsLog, AppendsOneLineForEachReport) {
  const fixtures::TemporaryFolder folder;
  MetricsLog log(folder / "metrics.jsonl");
  log.on_log({1, 1, Table{{"step", 1}, {"kind", "train"}, {"loss", 0.5}}, {}});
  log.on_validation({2, 1, {}, {}, true});
  EXPECT_TRUE(
      io::read_file(folder / "metrics.jsonl")
          .starts_with("{\"step\":1,\"kind\":\"train\",\"loss\":0.5}\n{\"step\":2,\"kind\":\"valid\",\"accuracy\":"));
}

TEST(MetricsLog, WritesLoadsByIdOnALineOfTheirOwn) {
  const fixtures::TemporaryFolder folder;
  MetricsLog log(folder / "metrics.jsonl");
  log.on_log({5, 5, Table{{"step", 5}}, {{{"layers.0", {3, 4}, 7, 0, 0}, {0, 6}}, {{"layers.2", {7}, 7, 0, 0}, {1}}}});
  EXPECT_EQ(io::read_file(folder / "metrics.jsonl"),
            "{\"step\":5}\n{\"step\":5,\"kind\":\"experts\",\"layers.0\":{\"id\":[0,6],\"count\":[3,4]},"
            "\"layers.2\":{\"id\":[1],\"count\":[7]}}\n");
}

// 64 experts in each of two layers: what a line holds does not grow with them.
TEST(MetricsLog, AValidationHasAFixedNumberOfValuesForEachLayer) {
  const fixtures::TemporaryFolder folder;
  MetricsLog log(folder / "metrics.jsonl");
  Evaluation evaluation;
  evaluation.routing = RoutingStats(
      {{"layers.0", std::vector<int64_t>(64, 3), 96, 0, 0}, {"layers.1", std::vector<int64_t>(64, 3), 96, 0, 0}});
  for (int l = 0; l < 2; ++l) {
    auto& ids = evaluation.ids.emplace_back(64);
    std::iota(ids.begin(), ids.end(), int64_t{0});
  }
  log.write("valid", 7, evaluation);
  EXPECT_LE(io::parse_json_table(io::read_file(folder / "metrics.jsonl"), "").size(), 12U + 2 * 8U);
}

TEST(MetricsLog, WritesNullForWhatIsNotFinite) {
  EXPECT_EQ(metrics_line({{"step", 3}, {"loss", std::numeric_limits<double>::quiet_NaN()}, {"lr", 1.0}}),
            "{\"step\":3,\"loss\":null,\"lr\":1.0,\"nonfinite\":[\"loss\"]}");
}

TEST(CutMetrics, KeepsLinesUpToTheStep) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("metrics.jsonl",
                               "{\"step\":10}\n{\"step\":20}\n{\"step\":20,\"kind\":\"valid\"}\n{\"step\":30}\n{\"ste");
  cut_metrics(path, 20);
  EXPECT_EQ(io::read_file(path), "{\"step\":10}\n{\"step\":20}\n{\"step\":20,\"kind\":\"valid\"}\n");
  cut_metrics(path, 20);
  EXPECT_EQ(io::read_file(path), "{\"step\":10}\n{\"step\":20}\n{\"step\":20,\"kind\":\"valid\"}\n");
  cut_metrics(path, 0);
  EXPECT_EQ(io::read_file(path), "");
  io::write_file(path, "{\"step\":20,\"kind\":\"valid\"}\n{\"step\":20,\"kind\":\"test\"}\n");
  cut_metrics(path, 20);
  EXPECT_EQ(io::read_file(path), "{\"step\":20,\"kind\":\"valid\"}\n") << "the end of the run writes it again";
}

TEST(CutMetrics, DropsALineThatWasCutShort) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("metrics.jsonl", "{\"step\":10}\n{\"step\":15");
  cut_metrics(path, 20);
  EXPECT_EQ(io::read_file(path), "{\"step\":10}\n");
}

TEST(CutMetrics, LeavesAMissingFileMissingAndRefusesAForeignOne) {
  const fixtures::TemporaryFolder folder;
  cut_metrics(folder / "metrics.jsonl", 5);
  EXPECT_FALSE(std::filesystem::exists(folder / "metrics.jsonl"));
  const auto path = folder.put("metrics.jsonl", "hello\n");
  EXPECT_THROW(cut_metrics(path, 5), FormatError);
}

}  // namespace
}  // namespace heterodyne::metrics_log_test
