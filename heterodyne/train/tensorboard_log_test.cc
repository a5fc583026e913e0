#include "heterodyne/train/tensorboard_log.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/window.h"

namespace heterodyne::tensorboard_log_test {
namespace {

// What stands in event files, as far as these tests ask: the names in every record, and the records' own bytes.
struct Record {
  std::string data;
  std::vector<std::string> tags;
};

uint64_t number_at(std::string_view bytes, size_t at) {
  uint64_t number = 0;
  for (size_t i = 8; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

// A tag is a text "train/...", "valid/..." or ".../load" behind its field number and length.
std::vector<std::string> tags_in(const std::string& data) {
  std::vector<std::string> tags;
  for (size_t i = 0; i + 2 < data.size(); ++i) {
    const auto length = static_cast<unsigned char>(data[i + 1]);
    if (data[i] != 0x0A || i + 2 + length > data.size()) continue;
    const std::string text = data.substr(i + 2, length);
    if (text.starts_with("train/") || text.starts_with("valid/") || text.ends_with("/load")) tags.push_back(text);
  }
  return tags;
}

std::vector<Record> records_of(const std::string& path) {
  const std::string bytes = io::read_file(path);
  std::vector<Record> records;
  for (size_t at = 0; at < bytes.size();) {
    const std::string data = bytes.substr(at + 12, number_at(bytes, at));
    EXPECT_EQ(bytes.substr(at, 16 + data.size()), io::tfrecord(data));
    records.push_back({data, tags_in(data)});
    at += 16 + data.size();
  }
  return records;
}

struct Watched {
  fixtures::TemporaryFolder folder;
  std::vector<std::string> warnings;
  Log log{[this](LogLevel, const std::string& line) { warnings.push_back(line); }};

  std::vector<std::string> files() const { return io::list_folder(folder.path()); }
  std::vector<Record> records(size_t file = 0) const { return records_of(folder / files().at(file)); }
};

// One optimizer step of a network whose layers have these many experts.
StepResult step_of(int64_t num_layers, int64_t num_experts) {
  StepResult result;
  std::vector<LayerCounts> layers;
  for (int64_t l = 0; l < num_layers; ++l)
    layers.push_back(
        {"layers." + std::to_string(l), std::vector<int64_t>(static_cast<size_t>(num_experts), 2), 10, 0, 0});
  result.routing = RoutingStats(layers);
  result.loss_parts = {{"task", 1.0}};
  for (const auto& layer : layers) {
    for (const char* name : {"switch_loss", "z_loss", "size_loss", "entropy_loss"})
      result.loss_parts.emplace_back(layer.layer + "." + name, 0.1);
  }
  return result;
}

Evaluation evaluation_of(const StepResult& result) {
  Evaluation evaluation;
  evaluation.routing = result.routing;
  for (const auto& layer : result.routing.layers()) {
    auto& ids = evaluation.ids.emplace_back();
    for (size_t e = 0; e < layer.count_E.size(); ++e) ids.push_back(static_cast<int64_t>(e));
  }
  return evaluation;
}

std::vector<LayerLoad> loads_of(const StepResult& result) {
  std::vector<LayerLoad> loads;
  for (const auto& layer : result.routing.layers())
    loads.push_back({layer, std::vector<int64_t>(layer.count_E.size(), 0)});
  return loads;
}

Table line_of(const StepResult& result) {
  Window window;
  add(window, result);
  Table values{{"step", 5}, {"epoch", 0.5}, {"kind", "train"}};
  const Table measured = averages(window);
  for (const auto& [key, value] : measured.entries()) values.set(key, value);
  values.set("lr", 0.1);
  values.set("examples_per_s", 100.0);
  return values;
}

TEST(TensorboardLog, WritesTrainingMetricsUnderTheirNames) {
  Watched run;
  TensorboardLog hook(run.folder.path(), run.log);
  hook.on_start({10, 5, 0, 2});
  EXPECT_TRUE(run.files().empty()) << "no file before there is a value";
  hook.on_log({5, 5, Table{{"step", 5}, {"kind", "train"}, {"loss", 0.25}, {"dead", 3}}, {}});
  ASSERT_EQ(run.records().size(), 3U) << "version, start, values";
  EXPECT_EQ(run.records()[2].tags, (std::vector<std::string>{"train/loss", "train/dead"}));
  // 0.25 and 3 as float32, behind the names
  EXPECT_NE(run.records()[2].data.find(std::string("train/loss\x15\0\0\x80\x3E", 15)), std::string::npos);
  EXPECT_NE(run.records()[2].data.find(std::string("train/dead\x15\0\0\x40\x40", 15)), std::string::npos);
}

// 64 experts, and more balancers than anyone has: still 12 + 8 for each layer.
TEST(TensorboardLog, TheNumberOfScalarsDoesNotGrowWithTheExperts) {
  for (const int64_t num_experts : {4, 64}) {
    for (const int64_t num_layers : {0, 1, 3}) {
      Watched run;
      TensorboardLog hook(run.folder.path(), run.log);
      hook.on_start({10, 5, 0, 2});
      const StepResult result = step_of(num_layers, num_experts);
      hook.on_log({5, 5, line_of(result), loads_of(result)});
      hook.on_validation({5, 1, evaluation_of(result), {}, true});
      std::set<std::string> scalars, histograms;
      for (const auto& record : run.records()) {
        for (const auto& tag : record.tags) (tag.ends_with("/load") ? histograms : scalars).insert(tag);
      }
      EXPECT_LE(static_cast<int64_t>(scalars.size()), 12 + 8 * num_layers);
      EXPECT_EQ(static_cast<int64_t>(histograms.size()), num_layers);
      EXPECT_TRUE(scalars.contains("train/loss") && scalars.contains("train/lr") && scalars.contains("valid/accuracy"));
      EXPECT_EQ(scalars.contains("train/layers.0.entropy"), num_layers > 0);
      EXPECT_EQ(scalars.contains("valid/layers.0.max_violation"), num_layers > 0);
    }
  }
}

TEST(TensorboardLog, WritesTheLoadOfEachExpertOverItsId) {
  Watched run;
  TensorboardLog hook(run.folder.path(), run.log);
  Evaluation evaluation;
  evaluation.routing = RoutingStats({{"layers.0", {0, 6, 2}, 8, 0, 0}});
  evaluation.ids = {{0, 1, 4}};
  hook.on_validation({5, 1, evaluation, {}, true});
  // Ids 2 and 3 are gone: buckets end at -0.5, 0.5, 1.5, 3.5, 4.5.
  const io::EventHistogram expected{
      "layers.0/load", 0.5, 4.5, 6 * 1 + 2 * 4, 6 * 1 + 2 * 16, {-0.5, 0.5, 1.5, 3.5, 4.5}, {0, 0, 6, 0, 2}};
  const std::string data = io::summary_event(0, 5, {{}, {expected}});
  const std::string histogram = data.substr(data.find("layers.0/load"));
  EXPECT_NE(run.records().at(2).data.find(histogram), std::string::npos);
}

TEST(TensorboardLog, AfterAResumeLaterStepsOfBeforeAreDropped) {
  Watched run;
  TensorboardLog before(run.folder.path(), run.log);
  before.on_start({10, 5, 0, 2});
  before.on_log({8, 8, Table{{"loss", 1.0}}, {}});
  TensorboardLog resumed(run.folder.path(), run.log);
  resumed.on_start({10, 5, 6, 2});
  resumed.on_log({8, 8, Table{{"loss", 2.0}}, {}});
  ASSERT_EQ(run.files().size(), 2U);
  const auto end_of = [](const std::string& data) { return data.substr(9); };  // without the time
  EXPECT_EQ(end_of(run.records(0)[1].data), end_of(io::start_event(0, 1)));
  EXPECT_EQ(end_of(run.records(1)[1].data), end_of(io::start_event(0, 7))) << "step 6 is done, 7 comes again";
}

TEST(TensorboardLog, AFailureIsWarnedOfOnceAndStopsNothing) {
  Watched run;
  TensorboardLog hook("/nowhere/run", run.log);
  hook.on_start({10, 5, 0, 2});
  hook.on_log({1, 1, Table{{"loss", 1.0}}, {}});
  hook.on_log({2, 2, Table{{"loss", 1.0}}, {}});
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_TRUE(run.warnings[0].starts_with("TensorBoard misses values: /nowhere/run: ")) << run.warnings[0];
}

}  // namespace
}  // namespace heterodyne::tensorboard_log_test
