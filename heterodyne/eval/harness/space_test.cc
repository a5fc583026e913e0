#include "heterodyne/eval/harness/space.h"

#include <gtest/gtest.h>

namespace heterodyne::space_test {
namespace {

TEST(Space, IsTakenFromBothEnds) {
  EXPECT_EQ(without_space_before(" \t\u00a0\u3000a b "), "a b ");
  EXPECT_EQ(without_space_behind(" a b\u2028\x1f\n"), " a b");
  EXPECT_EQ(without_space_behind("\u00e0"), "\u00e0") << "its last byte is that of a no-break space in Latin-1";
  EXPECT_EQ(without_space_before(" \n "), "");
}

// len(re.split(r"\s+", text)) of Python.
TEST(Space, PartsAreCountedAsPythonSplits) {
  EXPECT_EQ(num_parts("one two\n\nthree"), 3);
  EXPECT_EQ(num_parts(" one two "), 4);
  EXPECT_EQ(num_parts(""), 1);
  EXPECT_EQ(num_parts("one\u00a0two"), 2);
}

}  // namespace
}  // namespace heterodyne::space_test
