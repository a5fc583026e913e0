#include "heterodyne/io/json_lines.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::io::json_lines_test {
namespace {

struct Taken {
  std::vector<int64_t> values;
  std::vector<std::string> places;
  int64_t num_skipped = 0;
};

Taken take_all(std::string_view text, bool skips_bad) {
  Taken taken;
  taken.num_skipped = each_json_line(text, "a.jsonl", skips_bad, [&](const Table& table, const std::string& where) {
    taken.values.push_back(integer_at(table, "n", where));
    taken.places.push_back(where);
  });
  return taken;
}

TEST(EachJsonLine, BlankLinesCountAsLinesOnly) {
  const auto taken = take_all("{\"n\": 1}\n\n  \r\n{\"n\": 2}", false);
  EXPECT_EQ(taken.values, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(taken.places, (std::vector<std::string>{"a.jsonl: line 1", "a.jsonl: line 4"}));
  EXPECT_EQ(taken.num_skipped, 0);
  EXPECT_TRUE(take_all("", false).values.empty());
}

// A torn line, one that is no table, and one without its field.
constexpr const char* kBroken = "{\"n\": 1}\n{\"n\":\n[2]\n{\"m\": 3}\n{\"n\": 4}\n";

TEST(EachJsonLine, TheBrokenLineIsNamed) {
  const auto message = fixtures::message_of<FormatError>([] { take_all(kBroken, false); });
  EXPECT_EQ(message.substr(0, 15), "a.jsonl: line 2") << message;
}

TEST(EachJsonLine, BrokenLinesAreCountedWhereThatIsAskedFor) {
  const auto taken = take_all(kBroken, true);
  EXPECT_EQ(taken.values, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(taken.num_skipped, 3);
}

TEST(EachJsonRow, TakesListsAsWellAsLines) {
  const auto take = [](std::string_view text, bool skips_bad) {
    Taken taken;
    taken.num_skipped = each_json_row(text, "a.json", skips_bad, [&](const Table& table, const std::string& where) {
      taken.values.push_back(integer_at(table, "n", where));
      taken.places.push_back(where);
    });
    return taken;
  };
  EXPECT_EQ(take("{\"n\": 1}\n{\"n\": 2}\n", false).places.back(), "a.json: line 2");
  EXPECT_EQ(take(" [{\"n\": 1},\n {\"n\": 2}]", false).places.back(), "a.json: entry 2");
  const char* broken = "[{\"n\": 1}, 5, {\"m\": 2}, {\"n\": 3}]";
  EXPECT_EQ(take(broken, true).values, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(take(broken, true).num_skipped, 2);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { take(broken, false); }),
            "a.json: entry 2: expected a table, got a whole number");
}

}  // namespace
}  // namespace heterodyne::io::json_lines_test
