#include "heterodyne/train/growth/event.h"

#include <gtest/gtest.h>

#include "heterodyne/io/json.h"

namespace heterodyne::event_test {
namespace {

const GrowthReport kReport{600,
                           {{"layers.8", "remove", 5, {}, "0 assignments in 300 steps", 5},
                            {"layers.0", "split", 9, {2}, "expert 2 (2.60 times its fair share)", 4},
                            {"layers.8", "add", 6, {1}, "from 1,204 unrouted tokens", 6},
                            {"top", "remove", 0, {}, "0 assignments in 1 step", 1}}};

TEST(GrowthEvent, ALineForEachLayer) {
  EXPECT_EQ(growth_lines(kReport),
            (std::vector<std::string>{
                "step 600  layer 8: removed expert 5 (0 assignments in 300 steps), added expert 6 from 1,204 unrouted "
                "tokens; active 6 -> 6",
                "step 600  layer 0: split expert 9 off expert 2 (2.60 times its fair share); active 3 -> 4",
                "step 600  top: removed expert 0 (0 assignments in 1 step); active 2 -> 1"}));
}

TEST(GrowthEvent, AsALineOfAFile) {
  EXPECT_EQ(io::write_json(event_line(kReport.events[0], 600)),
            R"({"step":600,"layer":8,"event":"remove","id":5,"reason":"0 assignments in 300 steps","experts":5})");
  EXPECT_EQ(io::write_json(event_line({"layers.8", "add", 6, {}, "x", 6, "mlp"}, 600)),
            R"({"step":600,"layer":8,"event":"add","id":6,"reason":"x","experts":6,"kind":"mlp"})");
  EXPECT_EQ(io::write_json(event_line(kReport.events[1], 7)),
            R"x({"step":7,"layer":0,"event":"split","id":9,"reason":"expert 2 (2.60 times its fair share)",)x"
            R"x("experts":4,"parents":[2]})x");
  EXPECT_EQ(event_line(kReport.events[3], 7).find("layer")->if_text()[0], "top");
}

}  // namespace
}  // namespace heterodyne::event_test
