#include "cli/view/profiler.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::cli::profiler_test {
namespace {

std::string concluded(Profiler& profiler, const RunFolder& run) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Terminal terminal({});
  {
    const ProfileSpan span(profiler.profile(), "router", "layers.0");
  }
  const StepResult result;
  profiler.on_step({1, 1, 0.1, 0.5, result});
  profiler.conclude(run, terminal);
  return testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
}

TEST(Profiler, SaysWhereTheTimeWentAndWritesATrace) {
  const fixtures::TemporaryFolder folder;
  const auto run = RunFolder::create(folder / "run", fixtures::small_experiment());
  Profiler profiler(true);
  const auto text = concluded(profiler, run);
  EXPECT_NE(text.find("part    spans  forward ms"), std::string::npos) << text;
  EXPECT_NE(text.find("trace.json, 1 spans"), std::string::npos) << text;
  const auto trace = io::parse_json_table(io::read_file(run.file("trace.json")), "trace.json");
  EXPECT_EQ(trace.find("traceEvents")->if_array()->size(), 1U);
}

TEST(Profiler, IsSilentWhenNobodyAsks) {
  const fixtures::TemporaryFolder folder;
  const auto run = RunFolder::create(folder / "run", fixtures::small_experiment());
  Profiler profiler(false);
  EXPECT_EQ(profiler.profile(), nullptr);
  EXPECT_EQ(concluded(profiler, run), "");
  EXPECT_FALSE(std::filesystem::exists(run.file("trace.json")));
}

}  // namespace
}  // namespace heterodyne::cli::profiler_test
