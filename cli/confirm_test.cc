#include "cli/confirm.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::cli::confirm_test {
namespace {

TEST(Confirm, NeedsAFlagWhereNobodyCanAnswer) {
  ASSERT_NE(std::freopen("/dev/null", "r", stdin), nullptr);
  Terminal terminal({});
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { confirm(terminal, "Remove the run a?"); }),
            "Remove the run a? There is no terminal to answer at; to go ahead: --yes");
}

}  // namespace
}  // namespace heterodyne::cli::confirm_test
