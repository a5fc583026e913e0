#include "cli/text/sampling_flags.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::cli::sampling_flags_test {
namespace {

TEST(SamplingFlags, OneWayToChooseExpertsAtMost) {
  SamplingFlags flags;
  EXPECT_TRUE(flags.route("run").empty());
  flags.route_k = 2;
  EXPECT_EQ(flags.route("run").k, 2);
  flags.route_min_p = 0.5;
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { flags.route("chat"); }),
            "chat: expected one of --route-k, --route-min-p and --route-threshold, got several");
}

TEST(SamplingFlags, BecomeOptions) {
  SamplingFlags flags;
  flags.temperature = 0.5;
  flags.top_k = 3;
  flags.top_p = 0.9;
  flags.seed = 7;
  const auto options = flags.sampling();
  EXPECT_EQ(options.temperature, 0.5);
  EXPECT_EQ(options.top_k, 3);
  EXPECT_EQ(options.top_p, 0.9);
  EXPECT_EQ(options.seed, 7U);
}

}  // namespace
}  // namespace heterodyne::cli::sampling_flags_test
