#include "cli/compute.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "cli/parse.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/ops/isa.h"

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

TEST(Compute, TheKernelPathComesFromTheEnvironment) {
  const ops::Isa before = ops::isa();
  Environment environment;
  use_isa(environment);
  EXPECT_EQ(ops::isa(), before);
  environment.isa = "generic";
  use_isa(environment);
  EXPECT_EQ(ops::isa(), ops::Isa::kGeneric);
  environment.isa = "quick";
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { use_isa(environment); }),
            "HETERODYNE_ISA: expected one of plain, generic, avx2, avx512, got \"quick\"");
  ops::set_isa(before);
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

TEST(Compute, TheDeviceComesFromTheFlagThenTheEnvironment) {
  Environment environment;
  EXPECT_EQ(device_of({}, environment), "cpu");
  environment.device = "cuda:0";
  EXPECT_EQ(device_of({"cpu"}, environment), "cpu");
  const auto refused = fixtures::message_of<DeviceError>([&] { device_of({}, environment); });
  EXPECT_TRUE(refused.starts_with("HETERODYNE_DEVICE: expected cpu, got \"cuda:0\": ")) << refused;
  EXPECT_TRUE(refused.ends_with(". Next: --device cpu")) << refused;
  EXPECT_THROW(device_of({"cuda"}, environment), DeviceError);
  for (const char* wrong : {"gpu", "cuda:", "cuda:x", "CPU", "cuda:12345"}) {
    EXPECT_EQ(fixtures::message_of<ConfigError>([&] { device_of({wrong}, environment); }),
              std::string("--device: expected cpu, cuda or cuda:N, got \"") + wrong + "\"");
  }
}

TEST(Compute, TheMachineIsDescribed) {
  EXPECT_GT(resident_bytes(), 1 << 20);
  const Table table = environment_table({{"heterodyne", "train"}, "runs", "", ""});
  for (const auto* key : {"version", "commit", "torch", "compiler", "processor", "cores", "threads", "os", "command"})
    EXPECT_TRUE(table.contains(key)) << key;
}

std::string path_of(std::vector<std::string> words) {
  words.insert(words.begin(), "eval");
  const auto flags = parse_line(words).flags;
  ModelFlag flag;
  if (const Value* model = flags.find("model")) flag.model = *model->if_text();
  if (const Value* path = flags.find("checkpoint_path")) flag.checkpoint_path = *path->if_text();
  return flag.path("eval");
}

TEST(ModelFlag, IsAnArgumentOrTheFlagOfThePublishedScripts) {
  EXPECT_EQ(path_of({"runs/demo"}), "runs/demo");
  EXPECT_EQ(path_of({"--checkpoint_path", "runs/demo"}), "runs/demo");
  EXPECT_EQ(path_of({"--checkpoint_path=runs/demo"}), "runs/demo");
  EXPECT_EQ(path_of({"--checkpoint-path", "runs/demo"}), "runs/demo");
}

TEST(ModelFlag, NoneAndTwoAreRefused) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { path_of({}); }),
            "eval: expected a run's folder or a checkpoint's, got none. See heterodyne eval --help");
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { path_of({"a", "--checkpoint_path", "b"}); }),
            "eval: expected one model, got a and --checkpoint_path b");
}

#if defined(__GLIBC__)

constexpr int64_t kBytes = 100 << 20;

// How much the process holds after a block of this size was filled and freed, beyond what it held before.
int64_t kept_after_use() {
  return_freed_memory();
  const int64_t before = resident_bytes();
  {
    const auto block = std::unique_ptr<char, decltype(&std::free)>(static_cast<char*>(std::malloc(kBytes)), &std::free);
    std::memset(block.get(), 1, kBytes);
    EXPECT_GT(resident_bytes() - before, kBytes * 9 / 10);
  }
  return resident_bytes() - before;
}

TEST(Compute, FreedMemoryIsKeptUntilItIsGivenBack) {
  ::setenv("MALLOC_TRIM_THRESHOLD_", "131072", 1);
  keep_freed_memory();
  EXPECT_LT(kept_after_use(), kBytes / 10) << "the user's choice should have stayed";
  ::unsetenv("MALLOC_TRIM_THRESHOLD_");
  keep_freed_memory();
  EXPECT_GT(kept_after_use(), kBytes * 9 / 10);
  const int64_t before = resident_bytes();
  return_freed_memory();
  EXPECT_GT(before - resident_bytes(), kBytes * 9 / 10);
}

#endif

}  // namespace
}  // namespace heterodyne::cli::compute_test
