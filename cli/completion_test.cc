#include "cli/completion.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/command.h"

namespace heterodyne::cli::completion_test {
namespace {

const CompletedVerb& verb_of(const Completion& all, const std::string& name) {
  return *std::find_if(all.verbs.begin(), all.verbs.end(), [&](const auto& verb) { return verb.name == name; });
}

const Candidates& flag_of(const CompletedVerb& verb, const std::string& name) {
  return std::find_if(verb.flags.begin(), verb.flags.end(), [&](const auto& f) { return f.flag.name == name; })->values;
}

TEST(Completion, HasEveryVerbWithItsFlagsAndHelp) {
  const auto all = completion();
  EXPECT_EQ(all.verbs.size(), commands().names().size());
  for (const auto& verb : all.verbs) {
    EXPECT_EQ(verb.flags.size() + verb.arguments.size(), flags_of(commands().find(verb.name).schema).size() + 1);
    EXPECT_EQ(verb.flags.back().flag.spelled(), "--help");
  }
}

TEST(Completion, AChoiceIsOneOfItsWords) {
  const auto all = completion();
  EXPECT_EQ(flag_of(verb_of(all, "ls"), "format").words, (std::vector<std::string>{"table", "json", "csv", "md"}));
  EXPECT_FALSE(flag_of(verb_of(all, "ls"), "format").files);
}

TEST(Completion, ListsFilesAndNothingAreToldApart) {
  const auto all = completion();
  const auto& train = verb_of(all, "train");
  EXPECT_EQ(train.arguments.at(0).values.list, "recipes");
  EXPECT_TRUE(train.arguments.at(0).values.files);
  EXPECT_EQ(flag_of(train, "set").list, kSettingsList);
  EXPECT_FALSE(flag_of(train, "set").files);
  EXPECT_TRUE(flag_of(train, "out").files);
  EXPECT_FALSE(flag_of(train, "threads").files);
}

TEST(Completion, EveryListThatIsNamedIsThereAndHoldsWords) {
  const auto all = completion();
  for (const auto& verb : all.verbs) {
    for (const auto* group : {&verb.flags, &verb.arguments}) {
      for (const auto& [flag, values] : *group) {
        if (values.list.empty()) continue;
        const auto found = std::find_if(all.lists.begin(), all.lists.end(),
                                        [&list = values.list](const auto& named) { return named.name == list; });
        ASSERT_NE(found, all.lists.end()) << values.list;
        EXPECT_FALSE(found->words.empty()) << values.list;
      }
    }
  }
}

}  // namespace
}  // namespace heterodyne::cli::completion_test
