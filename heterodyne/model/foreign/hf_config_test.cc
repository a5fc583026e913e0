#include "heterodyne/model/foreign/hf_config.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::hf_config_test {
namespace {

const HfConfig kConfig({{"size", 3},
                        {"rate", 0.5},
                        {"is_on", true},
                        {"name", "x"},
                        {"none", Value()},
                        {"list", Array{1, 2}},
                        {"texts", Array{"a"}},
                        {"inner", Table{{"size", 4}}}},
                       "config.json");

TEST(HfConfig, ReadsWithDefaults) {
  EXPECT_EQ(kConfig.size("size"), 3);
  EXPECT_EQ(kConfig.size("none", 7), 7);
  EXPECT_EQ(kConfig.real("rate", 1), 0.5);
  EXPECT_EQ(kConfig.real("size", 1), 3.0);
  EXPECT_TRUE(kConfig.flag("is_on", false) && !kConfig.flag("other", false));
  EXPECT_EQ(kConfig.text("name", "y") + kConfig.text("none", "y"), "xy");
  EXPECT_EQ(kConfig.list("list"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(kConfig.texts("texts"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(kConfig.inner("inner").size("size"), 4);
  EXPECT_FALSE(kConfig.inner("other").has("size"));
}

TEST(HfConfig, NamesTheKeyAtFault) {
  const auto refusal = [](const std::function<void()>& work) { return fixtures::message_of<FormatError>(work); };
  EXPECT_EQ(refusal([] { kConfig.size("name"); }),
            "config.json: name: expected a whole number of at least 1, got \"x\"");
  EXPECT_EQ(refusal([] { kConfig.size("other"); }),
            "config.json: other: expected a whole number of at least 1, got nothing");
  EXPECT_EQ(refusal([] { HfConfig({{"num_hidden_layers", 1001}}, "c.json").num_layers(); }),
            "c.json: num_hidden_layers: expected at most 1000, got 1001");
  EXPECT_EQ(refusal([] { HfConfig({{"n", 4097}}, "c.json").num_experts("n"); }),
            "c.json: n: expected at most 4096, got 4097");
  EXPECT_EQ(refusal([] { kConfig.real("name", 1); }), "config.json: name: expected a number, got \"x\"");
  EXPECT_EQ(refusal([] { kConfig.flag("size", true); }), "config.json: size: expected true or false, got 3");
  EXPECT_EQ(refusal([] { kConfig.text("size", ""); }), "config.json: size: expected text, got 3");
  EXPECT_EQ(refusal([] { kConfig.list("texts"); }),
            "config.json: texts: expected a list of whole numbers, got [\"a\"]");
  EXPECT_EQ(refusal([] { kConfig.texts("list"); }), "config.json: list: expected a list of text, got [1,2]");
  EXPECT_EQ(refusal([] { kConfig.inner("size"); }), "config.json: size: expected a table, got 3");
  EXPECT_EQ(refusal([] { kConfig.expect("size", 4); }),
            "config.json: size: expected 4, as nothing else is known here, got 3");
  EXPECT_NO_THROW(kConfig.expect("size", 3.0)) << "as other software may write it";
  EXPECT_EQ(refusal([] { kConfig.expect("size", 3.5); }),
            "config.json: size: expected 3.5, as nothing else is known here, got 3");
}

}  // namespace
}  // namespace heterodyne::hf_config_test
