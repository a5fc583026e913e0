#include "cli/conversion.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"

namespace heterodyne::cli::conversion_test {
namespace {

std::string complaint(const std::string& text) {
  try {
    read_conversion(parse_toml(text, "c.toml"));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Conversion, HasTheDefaultsOfHemoe) {
  const auto options = read_conversion(parse_toml("model = \"a\"\nout = \"b\"\n", "c.toml"));
  EXPECT_EQ(options.experts, 8);
  EXPECT_EQ(options.score.kind, "taylor");
  EXPECT_EQ(options.partition.kind, "hemoe");
  EXPECT_EQ(*options.router.settings.find("k")->if_integer(), 4);
  EXPECT_TRUE(options.tuning.empty());
}

TEST(Conversion, TuningIsKeptForLater) {
  const auto options =
      read_conversion(parse_toml("model = \"a\"\nout = \"b\"\ntuning = [\"train.epochs=2\"]\n", "c.toml"));
  EXPECT_EQ(options.tuning, (std::vector<std::string>{"train.epochs=2"}));
}

TEST(Conversion, ComplaintsSayWhere) {
  EXPECT_NE(complaint("out = \"b\"\n").find("model"), std::string::npos);
  EXPECT_NE(complaint("model = \"a\"\nout = \"b\"\nexpert = 3\n").find("unknown key \"expert\"; nearest: \"experts\""),
            std::string::npos);
  EXPECT_NE(complaint("model = \"a\"\nout = \"b\"\npartition = { kind = \"hemo\" }\n").find("nearest: \"hemoe\""),
            std::string::npos);
  EXPECT_NE(complaint("model = \"a\"\nout = \"b\"\ntuning = [\"model.width=3\"]\n").find("tuning"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::cli::conversion_test
