#include "heterodyne/io/csv.h"

#include <gtest/gtest.h>

namespace heterodyne::io::csv_test {
namespace {

// The examples of RFC 4180, section 2, paragraphs 5 to 7.
TEST(Csv, QuotesCommasQuotesAndLineEnds) {
  EXPECT_EQ(csv_text({{"a,b", "c"}, {{"aaa", "b\nbb"}, {"b\"bb", "c"}}}), "\"a,b\",c\naaa,\"b\nbb\"\n\"b\"\"bb\",c");
}

TEST(Csv, WritesNumbersExactlyAndNullAsNothing) {
  EXPECT_EQ(csv_text({{"x", "n", "none"}, {{0.1, 3, Value()}}}), "x,n,none\n0.1,3,");
  EXPECT_EQ(csv_text({{"x"}, {}}), "x");
}

}  // namespace
}  // namespace heterodyne::io::csv_test
