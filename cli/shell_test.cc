// The promises of shell.h, kept by every shell. That the shells complete with the scripts is tested end to end.
#include "cli/shell.h"

#include <gtest/gtest.h>

namespace heterodyne::shell_test {
namespace {

class ShellContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Shells, ShellContract, testing::ValuesIn(shells().names()),
                         [](const auto& test) { return test.param; });

cli::Completion sample() {
  cli::CompletedVerb verb{"paint", "the painter's verb: [wet]", {}, {}};
  verb.flags.push_back(
      {{"colour", "text", "it's a [colour]: one", "", {"red", "green"}, false, false}, {"", {"red", "green"}, false}});
  verb.flags.push_back({{"no_frame", "switch", "without", "", {}, false, false}, {}});
  verb.arguments.push_back({{"wall", "text", "where", "", {}, true, false}, {"walls", {}, true}});
  return {{verb}, {{"walls", {"north", "south"}}, {cli::kSettingsList, {"paint.width"}}}};
}

TEST_P(ShellContract, TheScriptHasVerbsFlagsChoicesAndLists) {
  const std::string script = shells().find(GetParam()).script(sample());
  for (const char* word : {"paint", "colour", "no-frame", "red", "green", "north", "south", "paint.width"})
    EXPECT_NE(script.find(word), std::string::npos) << word;
  EXPECT_EQ(script.find("no_frame"), std::string::npos);
  EXPECT_NE(script.find("heterodyne completion " + GetParam()), std::string::npos);
}

TEST_P(ShellContract, TheScriptIsTheSameEachTime) {
  EXPECT_EQ(shells().find(GetParam()).script(sample()), shells().find(GetParam()).script(sample()));
}

TEST(Shell, QuotesAreKeptInsideSingleQuotes) {
  EXPECT_EQ(cli::in_single_quotes("it's"), "'it'\\''s'");
  EXPECT_EQ(cli::in_single_quotes(""), "''");
}

}  // namespace
}  // namespace heterodyne::shell_test
