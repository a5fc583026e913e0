#include "heterodyne/eval/harness/field_template.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::field_template_test {
namespace {

using Texts = std::vector<std::string>;

const Table& row() {
  static const Table table = io::parse_json_table(
      R"({"question": "Why?", "label": 2, "is_right": true, "none": null,
          "choices": {"text": ["Red.", "\u00c4rger\u00e9"], "label": ["A", "B"]},
          "sentence": "Sarah beat Maria as _ was better_.", "kind": "cause"})",
      "row");
  return table;
}

std::string filled(std::string_view text) {
  return FieldTemplate(text, {{"cause", "because"}}).text(row(), "a: line 3");
}

TEST(FieldTemplate, FieldsTakeTheirPlaces) {
  EXPECT_EQ(filled("Question: {{question}}\nAnswer:"), "Question: Why?\nAnswer:");
  EXPECT_EQ(filled("{{ choices.text.0 }}{{label}}{{is_right}}"), "Red.2true");
  EXPECT_EQ(filled("no place, {one brace}"), "no place, {one brace}");
  EXPECT_EQ(filled(""), "");
}

TEST(FieldTemplate, FiltersChangeTheText) {
  EXPECT_EQ(filled("{{sentence | before(_)}}Maria"), "Sarah beat Maria as Maria");
  EXPECT_EQ(filled("{{sentence | after(_) | strip}}"), "was better_.");
  EXPECT_EQ(filled("[{{sentence | before(_) | rstrip}}|{{sentence | after(_) | lstrip}}]"),
            "[Sarah beat Maria as|was better_.]");
  EXPECT_EQ(filled("{{choices.text.0 | lower_first | without_last}}"), "red");
  EXPECT_EQ(filled("{{choices.text.1 | without_last}}"), "\u00c4rger") << "a character may have several bytes";
  EXPECT_EQ(filled("{{kind | words}}"), "because");
  EXPECT_EQ(filled("{{sentence | after(was) | spaced}}"), " better .");
}

TEST(FieldTemplate, AListGivesATextForEachItem) {
  EXPECT_EQ(FieldTemplate("{{choices.text | without_last}}").texts(row(), "a"), (Texts{"Red", "\u00c4rger"}));
  EXPECT_EQ(FieldTemplate("{{label}}").texts(row(), "a"), (Texts{"2"}));
}

TEST(FieldTemplate, WhatDoesNotFitIsNamed) {
  const auto refusal = [](std::string_view text) { return fixtures::message_of<FormatError>([&] { filled(text); }); };
  EXPECT_EQ(refusal("{{answr}}"), "a: line 3: answr: expected such a field, got none");
  EXPECT_EQ(refusal("{{question.x}}"), "a: line 3: question.x: expected such a field, got none");
  EXPECT_EQ(refusal("{{choices.text.7}}"), "a: line 3: choices.text.7: expected such a field, got none");
  EXPECT_NE(refusal("{{choices.text.99999999999999999999}}"), "");
  EXPECT_EQ(refusal("{{none}}"), "a: line 3: none: expected text or a number, got null");
  EXPECT_EQ(refusal("x{{choices.text}}"), "a: line 3: choices.text: expected text or a number, got a list");
  EXPECT_EQ(refusal("{{question | before(_)}}"), "a: line 3: question: expected a \"_\" in it, got \"Why?\"");
  EXPECT_EQ(refusal("{{question | words}}"),
            "a: line 3: question: expected one of the words of the task, got \"Why?\"");
}

TEST(FieldTemplate, AFaultyTemplateIsRefused) {
  const auto refusal = [](std::string_view text) {
    return fixtures::message_of<Error>([&] { static_cast<void>(FieldTemplate(text)); });
  };
  EXPECT_EQ(refusal("a {{question"), "expected a \"}}\" behind \"{{question\", got none");
  EXPECT_EQ(refusal("{{}}"), "expected the name of a field in \"{{}}\", got none");
  EXPECT_EQ(
      refusal("{{a | upper}}"),
      "filter: expected one of strip, lstrip, rstrip, without_last, lower_first, spaced, words, before(x), after(x), "
      "got \"upper\"");
  EXPECT_EQ(refusal("{{a | before}}"), "filter before: expected a text in parentheses, got \"before\"");
  EXPECT_EQ(refusal("{{a | strip(x)}}"), "filter strip: expected nothing in parentheses, got \"strip(x)\"");
}

}  // namespace
}  // namespace heterodyne::field_template_test
