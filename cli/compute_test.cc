#include "cli/compute.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::cli::compute_test {
namespace {

TEST(Compute, DataIsLookedForInOrder) {
  Environment environment;
  EXPECT_EQ(data_folders({}, environment), (std::vector<std::string>{"data", "/usr/share/datasets"}));
  environment.data = "/env";
  ComputeFlags flags;
  flags.data = "/flag";
  EXPECT_EQ(data_folders(flags, environment),
            (std::vector<std::string>{"/flag", "/env", "data", "/usr/share/datasets"}));
}

TEST(Compute, ThreadsComeFromTheFlagThenTheEnvironment) {
  const int before = at::get_num_threads();
  Terminal terminal({});
  Environment environment;
  environment.threads = "2";
  apply({}, {environment, terminal});
  EXPECT_EQ(at::get_num_threads(), 2);
  ComputeFlags flags;
  flags.threads = 1;
  apply(flags, {environment, terminal});
  EXPECT_EQ(at::get_num_threads(), 1);
  environment.threads = "abc";
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { apply({}, {environment, terminal}); }),
            "HETERODYNE_THREADS: expected 1 .. 1024, got \"abc\"");
  flags.threads = 5000;
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { apply(flags, {environment, terminal}); }),
            "--threads: expected 0 .. 1024, got 5000");
  at::set_num_threads(before);
}

TEST(Compute, TheMachineIsDescribed) {
  EXPECT_GT(resident_bytes(), 1 << 20);
  const Table table = environment_table({{"heterodyne", "train"}, "runs", "", ""});
  for (const auto* key : {"version", "commit", "torch", "compiler", "processor", "cores", "threads", "os", "command"})
    EXPECT_TRUE(table.contains(key)) << key;
}

}  // namespace
}  // namespace heterodyne::cli::compute_test
