#include "heterodyne/io/chrome_trace.h"

#include <gtest/gtest.h>

#include "heterodyne/io/json.h"

namespace heterodyne::io::chrome_trace_test {
namespace {

TEST(ChromeTrace, HoldsEverySpanInside) {
  Profile profile;
  {
    const ProfileSpan outer(&profile, "network");
    const ProfileSpan inner(&profile, "router", "layers.\"0\"");
  }
  const auto trace = parse_json_table(chrome_trace(profile), "trace.json");
  const Array& events = *trace.find("traceEvents")->if_array();
  ASSERT_EQ(events.size(), 2U);
  const Table &inner = *events[0].if_table(), &outer = *events[1].if_table();
  EXPECT_EQ(*inner.find("name"), Value("router"));
  EXPECT_EQ(*inner.find_path("args.place"), Value("layers.\"0\""));
  EXPECT_EQ(*outer.find("cat"), Value("forward"));
  EXPECT_EQ(*outer.find("ts")->if_real(), 0);
  EXPECT_GE(*outer.find("dur")->if_real(), *inner.find("ts")->if_real() + *inner.find("dur")->if_real());
}

TEST(ChromeTrace, OfNothing) {
  EXPECT_TRUE(parse_json_table(chrome_trace(Profile()), "trace.json").find("traceEvents")->if_array()->empty());
}

}  // namespace
}  // namespace heterodyne::io::chrome_trace_test
