#include "cli/parse.h"

#include <gtest/gtest.h>

#include "cli/command.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/version.h"

namespace heterodyne::cli::parse_test {
namespace {

std::string complaint(const std::vector<std::string>& arguments) {
  return fixtures::message_of<ConfigError>([&] { parse_line(arguments); });
}

TEST(Parse, ReadsAVerbWithFlagsAndPositionals) {
  const auto line = parse_line({"train", "my.toml", "--set", "a=1", "--out", "runs/x", "--set", "b=2", "--quiet"});
  EXPECT_EQ(line.verb, "train");
  EXPECT_EQ(*line.flags.find("config")->if_text(), "my.toml");
  EXPECT_EQ(*line.flags.find("out")->if_text(), "runs/x");
  EXPECT_EQ(line.flags.find("set")->if_array()->size(), 2U);
  EXPECT_EQ(*line.flags.find("quiet"), Value(true));
  EXPECT_FALSE(line.flags.contains("seed"));
}

TEST(Parse, AFlagMayStandWithoutItsOptionalValue) {
  EXPECT_EQ(*parse_line({"train", "--resume", "runs/x"}).flags.find("resume")->if_text(), "runs/x");
  EXPECT_EQ(*parse_line({"train", "my.toml", "--resume"}).flags.find("resume")->if_text(), kImpliedValue);
}

TEST(Parse, FlagsTakeTheTypesOfTheirSettings) {
  const auto line = parse_line({"train", "my.toml", "--threads", "x"});
  EXPECT_EQ(line.flags.find("threads")->position().file, "--threads");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] {
              struct Threads {
                int64_t threads = 0;
                void visit(Fields& field) { field("threads", threads, "threads"); }
              };
              read_options<Threads>(Table{{"threads", *line.flags.find("threads")}}, {});
            }),
            "--threads: expected a whole number, got text (\"x\")");
}

TEST(Parse, WhatIsUnknownIsAnsweredWithTheNearest) {
  EXPECT_EQ(complaint({"trian"}), "unknown command \"trian\"; nearest: \"train\". All commands: heterodyne help");
  EXPECT_EQ(complaint({"train", "x.toml", "--oout", "y"}),
            "train: unknown flag --oout; nearest: --out. See heterodyne train --help");
  EXPECT_EQ(complaint({"version", "extra"}), "version: unexpected argument \"extra\". See heterodyne version --help");
  EXPECT_NE(complaint({"train", "x.toml", "--out"}).find("--out"), std::string::npos);
}

TEST(Parse, WhatIsMissingIsNamed) {
  EXPECT_EQ(complaint({"verify"}),
            "verify: expected PATH (a run's folder, a checkpoint's or a safetensors file), got none. See heterodyne "
            "verify --help");
  EXPECT_EQ(complaint({"completion"}),
            "completion: expected SHELL, one of bash, fish, zsh, got none. See heterodyne completion --help");
  EXPECT_EQ(complaint({"export", "runs/x"}).find("export: expected DESTINATION ("), 0U);
}

TEST(Parse, HelpAndVersionAreAnswered) {
  EXPECT_EQ(parse_line({"--version"}).answer, version_line());
  for (const auto& verb : commands().names())
    EXPECT_NE(parse_line({"--help"}).answer.find(verb), std::string::npos) << verb;
  EXPECT_EQ(parse_line({}).answer, parse_line({"--help"}).answer);
}

TEST(Parse, EveryVerbsHelpNamesItsFlagsAndShowsExamples) {
  for (const auto& verb : commands().names()) {
    const std::string help = help_text(verb);
    EXPECT_EQ(help, parse_line({verb, "--help"}).answer);
    EXPECT_NE(help.find("Examples:"), std::string::npos) << verb;
    for (const auto& field : commands().find(verb).schema.list()) {
      std::string name = field.name;
      std::replace(name.begin(), name.end(), '_', '-');
      EXPECT_NE(help.find(name), std::string::npos) << verb << " " << name;
    }
  }
  EXPECT_THROW(help_text("nothing"), ConfigError);
}

}  // namespace
}  // namespace heterodyne::cli::parse_test
