#include "cli/watchers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::watchers_test {
namespace {

// Names of the files in a run's folder after one report of metrics.
std::vector<std::string> files_after_a_report(const std::string& setting) {
  const fixtures::TemporaryFolder folder;
  const Session session = start_session({"synthetic/dmmoe",
                                         "",
                                         "",
                                         {{"data.examples=300", "data.size=8", "model.width=16", setting}, ""},
                                         {},
                                         folder.path()},
                                        {});
  Terminal terminal({});
  Watchers watchers(session, terminal);
  for (Hook* hook : watchers.hooks()) {
    hook->on_start({10, 5, 0, 2});
    hook->on_log({5, 5, Table{{"step", 5}, {"kind", "train"}, {"loss", 0.5}}, {}});
  }
  return io::list_folder(session.folder.path());
}

bool has(const std::vector<std::string>& files, const std::string& prefix) {
  return std::any_of(files.begin(), files.end(), [&](const std::string& name) { return name.starts_with(prefix); });
}

TEST(Watchers, RecordMetricsForPeopleAndForTensorBoard) {
  const auto files = files_after_a_report("train.tensorboard=true");
  EXPECT_TRUE(has(files, "metrics.jsonl"));
  EXPECT_TRUE(has(files, "events.out.tfevents."));
}

TEST(Watchers, LeaveTensorBoardOutWhenTheSettingSaysSo) {
  const auto files = files_after_a_report("train.tensorboard=false");
  EXPECT_TRUE(has(files, "metrics.jsonl"));
  EXPECT_FALSE(has(files, "events.out.tfevents."));
}

}  // namespace
}  // namespace heterodyne::cli::watchers_test
