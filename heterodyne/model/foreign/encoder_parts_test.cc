#include "heterodyne/model/foreign/encoder_parts.h"

#include <gtest/gtest.h>

namespace heterodyne::encoder_parts_test {
namespace {

TEST(EncoderParts, KeysComeBeforeValues) {
  const auto map = joined_keys_and_values("kv", "k", "v");
  const auto key = torch::tensor({{1.0, 2.0}}), value = torch::tensor({{3.0, 4.0}});
  EXPECT_TRUE(torch::equal(map.to_ours({key, value})[0], torch::tensor({{1.0, 2.0}, {3.0, 4.0}})));
  const auto back = map.to_theirs(map.to_ours({key, value}));
  EXPECT_TRUE(torch::equal(back[0], key));
  EXPECT_TRUE(torch::equal(back[1], value));
  EXPECT_EQ(map.theirs, (std::vector<std::string>{"k", "v"}));
}

TEST(EncoderParts, ClassesAreNumbered) {
  Table config;
  set_labels(config, 2);
  EXPECT_EQ(*config.find_path("id2label.1"), Value("LABEL_1"));
  EXPECT_EQ(*config.find_path("label2id.LABEL_0"), Value(0));
  EXPECT_EQ(config.find("id2label")->if_table()->size(), 2U);
}

}  // namespace
}  // namespace heterodyne::encoder_parts_test
