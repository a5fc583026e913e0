#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::instruct_test {
namespace {

std::string rows(int64_t count) {
  std::string lines;
  for (int64_t i = 0; i < count; ++i)
    lines += "{\"instruction\": \"say " + std::to_string(i % 10) + "\", \"output\": \"it is " + std::to_string(i % 10) +
             "\"}\n";
  return lines;
}

std::unique_ptr<Dataset> made(const fixtures::TemporaryFolder& folder, Table settings,
                              std::vector<std::string>* warnings = nullptr) {
  settings.set("kind", "instruct");
  settings.set("path", "rows.jsonl");
  DataContext context;
  context.folders = {folder.path()};
  context.validation = 0.1;
  if (warnings) context.log.sink = [warnings](LogLevel, const std::string& line) { warnings->push_back(line); };
  return datasets().make(Member(settings), context);
}

TEST(Instruct, RowsAreSplitInOrder) {
  const fixtures::TemporaryFolder folder;
  folder.put("rows.jsonl", rows(40));
  const auto dataset = made(folder, {{"test", 0.25}});
  EXPECT_EQ(dataset->size(Split::kTest), 10);
  EXPECT_EQ(dataset->size(Split::kValid), 3) << "a tenth of the other thirty";
  EXPECT_EQ(dataset->size(Split::kTrain), 27);
  const auto batch = dataset->get(Split::kTrain, torch::arange(2));
  EXPECT_EQ(batch.label_B.ge(0).sum().item<int64_t>(), 2 * (7 + 17)) << "\"it is 0\" and the heading behind it";
}

TEST(Instruct, RowsThatCannotBeUsedAreCounted) {
  const fixtures::TemporaryFolder folder;
  folder.put("rows.jsonl", rows(20) + "{\n");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { made(folder, {}); }).substr(0, 19), "rows.jsonl: line 21");
  std::vector<std::string> warnings;
  EXPECT_EQ(made(folder, {{"skip_bad", true}, {"test", 0.0}}, &warnings)->size(Split::kTrain), 18);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0], "rows.jsonl: 1 rows that cannot be used were left out (skip_bad)");
}

// Stanford Alpaca's rows, as published.
TEST(Instruct, RealRowsAreRead) {
  const auto file = fixtures::find_real_data("instruct/alpaca_data_random9k.json.xz");
  if (!file) GTEST_SKIP() << "skipped: no data";
  DataContext context;
  const Table settings{
      {"kind", "instruct"}, {"path", file->substr(0, file->size() - 3)}, {"length", 4096}, {"skip_bad", true}};
  const auto dataset = datasets().make(Member(settings), context);
  EXPECT_GT(dataset->size(Split::kTrain) + dataset->size(Split::kValid) + dataset->size(Split::kTest), 9200);
}

}  // namespace
}  // namespace heterodyne::instruct_test
