#include "heterodyne/base/version.h"

#include <gtest/gtest.h>

#include "heterodyne/base/text.h"

namespace heterodyne::version_test {
namespace {

TEST(Version, HasThreeNumbers) {
  for (const auto& text : {version(), torch_version()}) EXPECT_EQ(split(text, '.').size(), 3U) << text;
}

TEST(Version, TheLineNamesEverything) {
  for (const auto& part : {version(), commit(), torch_version(), compiler()}) {
    EXPECT_FALSE(part.empty());
    EXPECT_NE(version_line().find(part), std::string::npos);
  }
}

}  // namespace
}  // namespace heterodyne::version_test
