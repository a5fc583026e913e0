#include "cli/stop.h"

#include <gtest/gtest.h>

#include <csignal>

namespace heterodyne::cli::stop_test {
namespace {

TEST(Stop, TheFirstSignalAsksAndTheSecondEnds) {
  EXPECT_FALSE(stop_requested());
  EXPECT_EXIT(
      {
        catch_stop_signals();
        std::raise(SIGINT);
        if (!stop_requested()) std::exit(1);
        std::raise(SIGTERM);
        std::exit(2);  // not reached
      },
      testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace heterodyne::cli::stop_test
