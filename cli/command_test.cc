// The promises of command.h, kept by every verb. What each verb does is tested end to end.
#include "cli/command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/flag_info.h"
#include "cli/parse.h"
#include "heterodyne/base/text.h"

namespace heterodyne::command_test {
namespace {

// The flags that mean the same wherever they occur, with what their sentences begin with. What follows a semicolon may
// differ: it is about the command.
struct CommonFlag {
  std::string type, sentence;
};
const std::map<std::string, CommonFlag> kCommonFlags = {
    {"data", {"text", "folder with data sets, searched first"}},
    {"device", {"text", "where to compute"}},
    {"dry_run", {"switch", "say what would be done, and do nothing"}},
    {"format", {"text", "how data is printed"}},
    {"limit", {"whole number", "at most so many examples"}},
    {"no_progress", {"switch", "plain lines instead of a redrawn one"}},
    {"out", {"text", "where to write"}},
    {"quiet", {"switch", "no notes and no progress"}},
    {"seed", {"text", "the same as --set seed=N"}},
    {"set", {"list of text", "PATH=VALUE, a setting laid over the configuration"}},
    {"threads", {"whole number", "threads to compute with"}},
    {"verbose", {"switch", "show more"}},
    {"yes", {"switch", "ask nothing"}},
};

// A verb and a flag of its own meaning: verify checks what `train --resume` does.
const std::set<std::pair<std::string, std::string>> kOwnMeaning = {
    {"verify", "resume"}, {"run", "seed"}, {"chat", "seed"}, {"export", "dtype"}};

std::string without_remark(const std::string& sentence) { return sentence.substr(0, sentence.find(';')); }

// The words of a command line as a shell would give them to the program: without quotes, and what a shell keeps for
// itself (a comment, where the output goes, a second command) cut off.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string begun;  // a quoted word that holds spaces, as far as it has come
  for (std::string word : split(line, ' ')) {
    if (word.empty()) continue;
    if (!begun.empty()) word = begun + " " + word;
    begun.clear();
    const bool is_quoted = word.front() == '\'' || word.front() == '"';
    if (is_quoted && (word.size() == 1 || word.back() != word.front())) {
      begun = word;
      continue;
    }
    if (word.starts_with('#') || word == ">" || word == "<" || word == "|" || word == "&&" || word == ";") break;
    if (is_quoted) word = word.substr(1, word.size() - 2);
    words.push_back(word);
  }
  return words;
}

// In alphabetical order of what a user types: no verb may take one of these names for something else.
TEST(Commands, TheListOfCommonFlagsIsThatOfTheManual) {
  std::vector<std::string> names;
  for (const auto& [name, flag] : kCommonFlags) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"data", "device", "dry_run", "format", "limit", "no_progress", "out",
                                             "quiet", "seed", "set", "threads", "verbose", "yes"}));
  std::set<std::string> used;
  for (const auto& verb : commands().names()) {
    for (const auto& flag : cli::flags_of(commands().find(verb).schema)) used.insert(flag.name);
  }
  for (const auto& name : names) EXPECT_TRUE(used.contains(name)) << name << " is a flag of no verb";
}

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

TEST_P(CommandContract, ItsExamplesAreSoundCommandLines) {
  for (const auto& line : split(commands().find(GetParam()).example, '\n')) {
    SCOPED_TRACE(line);
    auto words = words_of(line);
    ASSERT_GE(words.size(), 2U);
    EXPECT_EQ(words[0], "heterodyne");
    words.erase(words.begin());
    const auto parsed = cli::parse_line(words);
    ASSERT_FALSE(parsed.verb.empty());
    Problems problems;
    commands().find(parsed.verb).schema.resolve(parsed.flags, {}, problems);
    EXPECT_NO_THROW(problems.throw_if_any());
  }
}

TEST_P(CommandContract, CommonFlagsMeanWhatTheyMeanEverywhere) {
  for (const auto& flag : cli::flags_of(commands().find(GetParam()).schema)) {
    const auto common = kCommonFlags.find(flag.name);
    if (flag.is_positional || common == kCommonFlags.end() || kOwnMeaning.contains({GetParam(), flag.name})) continue;
    EXPECT_EQ(flag.type, common->second.type) << flag.spelled();
    EXPECT_EQ(without_remark(flag.sentence), common->second.sentence) << flag.spelled();
  }
}

TEST(Commands, FlagsOfOneNameHaveOneTypeAndOneSentence) {
  std::map<std::string, std::pair<std::string, cli::FlagInfo>> first;  // the verb that has it, and how
  for (const auto& verb : commands().names()) {
    for (const auto& flag : cli::flags_of(commands().find(verb).schema)) {
      if (flag.is_positional || kOwnMeaning.contains({verb, flag.name})) continue;
      const auto& [other, known] = first.try_emplace(flag.name, verb, flag).first->second;
      EXPECT_EQ(flag.type, known.type) << flag.spelled() << " of " << verb << " and of " << other;
      EXPECT_EQ(without_remark(flag.sentence), without_remark(known.sentence))
          << flag.spelled() << " of " << verb << " and of " << other;
    }
  }
}

TEST(Commands, TheListOfFlagsChangesOnPurposeOnly) {
  std::map<std::string, std::vector<std::string>> flags;
  for (const auto& verb : commands().names()) {
    for (const auto& field : commands().find(verb).schema.list()) flags[verb].push_back(field.name);
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(flags["train"], (Names{"config", "resume", "out", "profile", "set", "seed", "data", "threads", "quiet",
                                   "no_progress", "verbose", "device", "dry_run"}));
  EXPECT_EQ(flags["sweep"], (Names{"configs", "grid", "out", "jobs", "rerun_failed", "set", "seed", "data", "threads",
                                   "quiet", "no_progress", "verbose", "device", "dry_run", "format"}));
  EXPECT_EQ(flags["bench"], (Names{"what", "names", "vs", "shapes", "fail_over", "rounds", "real_data", "out", "set",
                                   "seed", "data", "threads", "quiet", "no_progress", "verbose", "device", "format"}));
  EXPECT_EQ(flags["convert"], (Names{"stage", "config", "out", "set", "seed", "data", "threads", "quiet", "no_progress",
                                     "verbose", "device"}));
  EXPECT_EQ(flags["eval"],
            (Names{"model",   "checkpoint_path", "split",       "limit",   "text",    "questions", "tasks",
                   "shots",   "skip_bad",        "compare",     "out",     "latency", "dtype",     "data",
                   "threads", "quiet",           "no_progress", "verbose", "device",  "dry_run",   "format"}));
  EXPECT_EQ(flags["chat"], (Names{"model", "checkpoint_path", "template", "system", "tokens", "temperature", "top_k",
                                  "top_p", "seed", "route_k", "route_min_p", "route_threshold", "dtype", "data",
                                  "threads", "quiet", "no_progress", "verbose", "device"}));
  EXPECT_EQ(flags["route"], (Names{"model", "examples", "knockout", "similarity", "random_control", "before", "latency",
                                   "per_token", "limit", "out", "dtype", "data", "threads", "quiet", "no_progress",
                                   "verbose", "device", "dry_run", "format"}));
  EXPECT_EQ(flags["fewshot"], (Names{"model",       "checkpoint_path", "examples",  "protocol", "way",        "shot",
                                     "query",       "episodes",        "split",     "methods",  "tune_steps", "tune_lr",
                                     "freeze",      "draw_seed",       "untrained", "data",     "threads",    "quiet",
                                     "no_progress", "verbose",         "device",    "dry_run",  "format"}));
  EXPECT_EQ(flags["ls"], (Names{"what", "verbose", "format"}));
  EXPECT_EQ(flags["config"], (Names{"action", "arguments", "as", "match", "out", "set", "seed", "format"}));
  EXPECT_EQ(flags["completion"], (Names{"shell"}));
  EXPECT_EQ(flags["data"],
            (Names{"action",  "arguments", "split",       "out",     "tokenizer", "decode", "no_special",    "vocab",
                   "field",   "clusters",  "encoder",     "limit",   "seed",      "link",   "allow_partial", "data",
                   "threads", "quiet",     "no_progress", "verbose", "dry_run",   "format"}));
  EXPECT_EQ(flags["doctor"], (Names{"format"}));
  EXPECT_EQ(flags["new"], (Names{"name", "recipe", "set", "seed"}));
  EXPECT_EQ(flags["report"], (Names{"runs", "out", "open", "md", "svg", "fail_on", "format"}));
  EXPECT_EQ(flags["help"], (Names{"verb"}));
  EXPECT_EQ(flags["runs"], (Names{"action", "arguments", "remove", "yes", "dry_run", "format"}));
  EXPECT_EQ(flags["compare"], (Names{"runs", "group", "out", "md", "csv", "format"}));
  EXPECT_EQ(flags["version"], (Names{"format"}));
  EXPECT_EQ(flags["inspect"], (Names{"path", "tensors", "format"}));
  EXPECT_EQ(flags["verify"], (Names{"path", "checksums", "resume", "determinism", "steps", "data", "threads", "quiet",
                                    "no_progress", "verbose", "device", "format"}));
}

}  // namespace
}  // namespace heterodyne::command_test
