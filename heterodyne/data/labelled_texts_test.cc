#include "heterodyne/data/labelled_texts.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::labelled_texts_test {
namespace {

const std::vector<std::string> kNames = {"World", "Sports"};

TextFields news() { return {"csv", false, "0", {"1", "2"}, 1}; }
TextFields reviews() { return {"jsonl", false, "label", {"text"}, 0}; }

std::string complaint_about(const std::string& content, const TextFields& fields) {
  return fixtures::message_of<FormatError>([&] { read_labelled_texts(content, "f", fields, kNames); });
}

TEST(LabelledTexts, ReadsTheLayoutOfAgNews) {
  const auto texts =
      read_labelled_texts("\"2\",\"A win\",\"They said \"\"yes\"\", and won.\"\n\"1\",\"\",\"Title and description\"\n",
                          "f", news(), kNames);
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts[0].text, "A win They said \"yes\", and won.");
  EXPECT_EQ(texts[0].label, 1);
  EXPECT_EQ(texts[1].text, "Title and description");
  EXPECT_EQ(texts[1].label, 0);
}

TEST(LabelledTexts, ReadsJsonLines) {
  const auto texts = read_labelled_texts(
      "{\"id\": \"a\", \"label\": 1, \"text\": \"good\"}\n\n"
      "{\"text\": \"bad\", \"label\": \"World\"}\n",
      "f", reviews(), kNames);
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts[0].label, 1);
  EXPECT_EQ(texts[1].text, "bad");
  EXPECT_EQ(texts[1].label, 0);
}

TEST(LabelledTexts, ColumnsMayHaveNames) {
  const auto texts = read_labelled_texts("topic,body\nSports,a b\n", "f", {"csv", true, "topic", {"body"}, 0}, kNames);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0].label, 1);
  EXPECT_EQ(complaint_about("topic,body\nSports,a b\n", {"csv", true, "subject", {"body"}, 0}),
            "f: line 1: expected a column \"subject\", got topic, body");
}

TEST(LabelledTexts, ErrorsNameTheLine) {
  EXPECT_EQ(complaint_about("\"1\",\"a\",\"b\"\n\"3\",\"c\",\"d\"\n", news()),
            "f: line 2: class: expected 1 .. 2 or one of World, Sports, got \"3\"");
  EXPECT_EQ(complaint_about("\"1\",\"a\",\"b\"\n\"2\",\"c\",\"d\" \"e\"\n", news()),
            "f: line 2: expected a comma or the end of the line behind a closing quote, got ' '");
  EXPECT_EQ(complaint_about("\"1\",\"a\"\n", news()), "f: line 1: expected a column 2, got 2: 0 .. 1");
  EXPECT_EQ(complaint_about("1,a\xFF,b\n", news()), "f: line 1: expected UTF-8, got other bytes");
  EXPECT_EQ(complaint_about("{\"label\": 0, \"text\": \"a\"}\n{\"label\": 0}\n", reviews()),
            "f: line 2: text: expected a text");
  EXPECT_EQ(complaint_about("{\"text\": \"a\"}\n", reviews()), "f: line 1: label: expected a class's number or name");
  EXPECT_EQ(complaint_about("{\"label\": 0, \"text\"\n", reviews()).substr(0, 10), "f: line 1:");
  EXPECT_EQ(complaint_about("", news()), "f: expected texts, got none");
}

}  // namespace
}  // namespace heterodyne::labelled_texts_test
