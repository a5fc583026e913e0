#include "heterodyne/report/panel.h"

#include <gtest/gtest.h>

namespace heterodyne {
namespace {

TEST(Panel, KindsAreCalledPanels) { EXPECT_EQ(empty_panels().unknown_kind("x").substr(0, 8), "expected"); }

}  // namespace
}  // namespace heterodyne
