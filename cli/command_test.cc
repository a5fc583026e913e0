// The promises of command.h, kept by every verb. What each verb does is tested end to end.
#include "cli/command.h"

#include <gtest/gtest.h>

namespace heterodyne {
namespace {

class CommandContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Verbs, CommandContract, testing::ValuesIn(commands().names()),
                         [](const auto& test) { return test.param; });

TEST_P(CommandContract, HasASummaryAndAnExample) {
  const CommandKind& kind = commands().find(GetParam());
  EXPECT_FALSE(kind.summary.empty());
  EXPECT_NE(kind.example.find("heterodyne " + GetParam()), std::string::npos);
}

TEST_P(CommandContract, RefusesAnUnknownFlag) {
  cli::Terminal terminal({});
  const cli::Environment environment;
  EXPECT_THROW(commands().find(GetParam()).run(Table{{"no_such_flag", 1}}, {environment, terminal}), ConfigError);
}

TEST(Commands, TheListOfFlagsChangesOnPurposeOnly) {
  std::map<std::string, std::vector<std::string>> flags;
  for (const auto& verb : commands().names()) {
    for (const auto& field : commands().find(verb).schema.list()) flags[verb].push_back(field.name);
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(flags["train"],
            (Names{"config", "resume", "out", "set", "seed", "data", "threads", "quiet", "no_progress"}));
  EXPECT_EQ(flags["eval"], (Names{"model", "split", "data", "threads", "quiet", "no_progress", "format"}));
  EXPECT_EQ(flags["ls"], (Names{"what", "verbose", "format"}));
  EXPECT_EQ(flags["config"], (Names{"action", "arguments", "set", "seed", "format"}));
  EXPECT_EQ(flags["help"], (Names{"verb"}));
  EXPECT_EQ(flags["version"], (Names{"format"}));
  EXPECT_EQ(flags.size(), 6U);
}

}  // namespace
}  // namespace heterodyne
