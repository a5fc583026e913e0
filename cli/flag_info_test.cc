#include "cli/flag_info.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::flag_info_test {
namespace {

struct Inner {
  bool no_progress = false;
  void visit(Fields& field) { field("no_progress", no_progress, "plain lines"); }
};

struct Sample {
  std::string file, colour, resume;
  std::vector<std::string> set;
  int64_t threads = 0;
  double share_kept = 0;
  bool verbose = false;
  Inner inner;
  void visit(Fields& field) {
    field("file", file, "what to read", positional());
    field("colour", colour, "which one", one_of("red", "green"));
    field("resume", resume, "go on", optional_value());
    field("set", set, "a setting");
    field("threads", threads, "how many", at_least(0));
    field("share_kept", share_kept, "how much");
    field("verbose", verbose, "more");
    inner.visit(field);
  }
};

TEST(FlagInfo, TellsNameTypeAndFormOfEachFlagInOrder) {
  std::vector<std::string> told;
  for (const auto& flag : flags_of(Schema::of<Sample>())) told.push_back(flag.spelled() + ": " + flag.type);
  EXPECT_EQ(told, (std::vector<std::string>{"file: text", "--colour: text", "--resume: text", "--set: list of text",
                                            "--threads: whole number", "--share-kept: number", "--verbose: switch",
                                            "--no-progress: switch"}));
}

TEST(FlagInfo, KeepsTheRules) {
  const auto flags = flags_of(Schema::of<Sample>());
  EXPECT_TRUE(flags[0].is_positional);
  EXPECT_EQ(flags[1].choices, (std::vector<std::string>{"red", "green"}));
  EXPECT_EQ(flags[1].range, "red | green");
  EXPECT_TRUE(flags[2].is_value_optional);
  EXPECT_TRUE(flags[3].is_list());
  EXPECT_EQ(flags[4].range, ">= 0");
  EXPECT_EQ(flags[6].letter(), "v");
  EXPECT_EQ(flags[7].letter(), "");
  EXPECT_TRUE(flags[7].is_switch());
}

}  // namespace
}  // namespace heterodyne::cli::flag_info_test
