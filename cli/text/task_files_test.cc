#include "cli/text/task_files.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::task_files_test {
namespace {

TEST(TaskFiles, EveryTaskThatComesWithTheProgramIsSound) {
  const std::vector<std::string> expected = {"arc_challenge", "arc_easy",  "boolq",      "commonsense_qa",
                                             "copa",          "hellaswag", "mmlu",       "openbookqa",
                                             "piqa",          "sciq",      "social_iqa", "winogrande"};
  std::vector<std::string> names;
  for (const auto& row : task_list().rows) {
    names.push_back(*row[0].if_text());
    EXPECT_FALSE(row[1].if_text()->empty()) << names.back();
    EXPECT_TRUE(find_task(names.back()).folder.empty());
  }
  EXPECT_EQ(names, expected);
}

TEST(TaskFiles, AFileMayLieOverATaskAndItsRowsBesideIt) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.put("mine.toml", "base = \"arc_easy\"\npath = \"rows.jsonl\"\nmetric = \"acc\"\n");
  folder.put("rows.jsonl", "{}\n");
  folder.put("data/far.jsonl", "{\"a\": 1}\n");
  const auto found = find_task(file);
  EXPECT_EQ(found.task.name(), "mine");
  EXPECT_EQ(found.task.options().metric, "acc");
  EXPECT_EQ(found.task.options().context, "Question: {{question}}\nAnswer:");
  EXPECT_EQ(read_rows(found, "rows.jsonl", {"nowhere"}), "{}\n");
  EXPECT_EQ(read_rows(found, "far.jsonl", {"nowhere", folder / "data"}), "{\"a\": 1}\n");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { read_rows(found, "none.jsonl", {"nowhere"}); }),
            "[task mine] none.jsonl: not found (also tried .gz, .xz) in nowhere; see docs/harness.md");
}

TEST(TaskFiles, AnUnknownTaskIsRefusedWithTheNearest) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { find_task("arc_esay"); }),
            "arc_esay: no such file or task; nearest: \"arc_easy\". All tasks: heterodyne ls tasks");
}

}  // namespace
}  // namespace heterodyne::cli::task_files_test
