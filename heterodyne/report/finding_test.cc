#include "heterodyne/report/finding.h"

#include <gtest/gtest.h>

namespace heterodyne {
namespace {

TEST(Finding, EverySeverityHasAWordOfItsOwn) {
  EXPECT_STREQ(severity_word(Severity::kRed), "problem");
  EXPECT_STREQ(severity_word(Severity::kAmber), "warning");
  EXPECT_STREQ(severity_word(Severity::kGrey), "note");
}

}  // namespace
}  // namespace heterodyne
