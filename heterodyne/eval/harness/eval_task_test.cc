#include "heterodyne/eval/harness/eval_task.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::eval_task_test {
namespace {

using Texts = std::vector<std::string>;

Table school() {
  return {{"path", "school.jsonl"},
          {"context", "Question: {{question}}\nAnswer:"},
          {"choices", "{{choices.text}}"},
          {"gold", "{{answerKey}}"},
          {"gold_among", "{{choices.label}}"}};
}

constexpr const char* kSchool =
    R"({"question": "2 + 2?", "choices": {"text": ["four", "five"], "label": ["A", "B"]}, "answerKey": "A"}
{"question": "3 + 3?", "choices": {"text": ["nine", "six"], "label": ["1", "2"]}, "answerKey": "2"}
{"question": "4 + 4?", "choices": {"text": ["eight", "ten"], "label": ["A", "B"]}, "answerKey": "A"}
)";

std::vector<EvalItem> items_of(const EvalTask& task, const std::string& lines, int64_t limit = 0) {
  return task.items(lines, "school.jsonl", limit, false, nullptr);
}

TEST(EvalTask, ARowBecomesAQuestion) {
  const auto items = items_of(EvalTask("school", school()), kSchool);
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[1].row, 1);
  EXPECT_EQ(items[1].where, "school.jsonl: line 2");
  EXPECT_EQ(items[1].contexts, (Texts{"Question: 3 + 3?\nAnswer:", "Question: 3 + 3?\nAnswer:"}));
  EXPECT_EQ(items[1].continuations, (Texts{" nine", " six"}));
  EXPECT_EQ(items[1].choices, (Texts{"nine", "six"}));
  EXPECT_EQ(items[1].gold, 1U);
  EXPECT_EQ(items[1].example, "Question: 3 + 3?\nAnswer: six");
  EXPECT_EQ(items_of(EvalTask("school", school()), kSchool, 2).size(), 2U);
}

// The form of WinoGrande: what is scored is the same behind both contexts.
TEST(EvalTask, ChoicesMayStandInTheContext) {
  const EvalTask task("who", {{"path", "who.jsonl"},
                              {"contexts", Array{"{{s | before(_)}}{{a}}", "{{s | before(_)}}{{b}}"}},
                              {"continuation", "{{s | after(_) | strip}}"},
                              {"gold", "{{answer}}"},
                              {"gold_from", 1}});
  const auto items = task.items(R"({"s": "Ann thanked Eve as _ had helped.", "a": "Ann", "b": "Eve", "answer": "2"})",
                                "who.jsonl", 0, false, nullptr);
  EXPECT_EQ(items[0].contexts, (Texts{"Ann thanked Eve as Ann", "Ann thanked Eve as Eve"}));
  EXPECT_EQ(items[0].continuations, (Texts{" had helped.", " had helped."}));
  EXPECT_EQ(items[0].gold, 1U);
  EXPECT_EQ(items[0].example, "Ann thanked Eve as Eve had helped.");
}

TEST(EvalTask, TextsAreScoredAndMayBeCountedElsewhere) {
  const EvalTask task("pages", {{"path", "p"}, {"form", "perplexity"}, {"text", "{{clean}}"}, {"counted", "{{raw}}"}});
  const auto items = task.items(R"({"clean": "a b", "raw": "a  b"})", "p", 0, false, nullptr);
  EXPECT_EQ(items[0].continuations, (Texts{"a b"}));
  EXPECT_EQ(items[0].choices, (Texts{"a  b"}));
}

TEST(EvalTask, FirstExamplesStandBeforeEachQuestion) {
  const EvalTask task("school", school());
  auto items = items_of(task, kSchool);
  add_examples(task, items_of(task, kSchool), {2, 1, false}, items);
  EXPECT_EQ(items[2].contexts[0],
            "Question: 2 + 2?\nAnswer: four\n\nQuestion: 3 + 3?\nAnswer: six\n\nQuestion: 4 + 4?\nAnswer:");
}

TEST(EvalTask, AQuestionIsNoExampleOfItself) {
  const EvalTask task("school", school());
  auto items = items_of(task, kSchool);
  add_examples(task, items_of(task, kSchool), {1, 1, true}, items);
  EXPECT_EQ(items[0].contexts[0], "Question: 3 + 3?\nAnswer: six\n\nQuestion: 2 + 2?\nAnswer:");
  EXPECT_EQ(items[1].contexts[0], "Question: 2 + 2?\nAnswer: four\n\nQuestion: 3 + 3?\nAnswer:");
  EXPECT_EQ(fixtures::message_of<Error>([&] { add_examples(task, items_of(task, kSchool), {3, 1, true}, items); }),
            "[task school] examples: expected at least 3 for school.jsonl: line 1, got 2");
}

TEST(EvalTask, RandomExamplesDependOnTheRowAndTheSeed) {
  Table settings = school();
  settings.set("examples_order", "random");
  const EvalTask task("school", settings);
  const auto context_of = [&](uint64_t seed, const std::string& lines) {
    auto items = items_of(task, lines);
    add_examples(task, items_of(task, kSchool), {2, seed, false}, items);
    return items[0].contexts[0];
  };
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed < 20; ++seed) seen.insert(context_of(seed, kSchool));
  EXPECT_EQ(seen.size(), 6U) << "3 x 2 ordered pairs";
  EXPECT_EQ(context_of(1, kSchool), context_of(1, std::string(kSchool).substr(0, std::string(kSchool).find('\n'))))
      << "whatever other rows there are";
}

// The form of MMLU: a description with the subject, and examples of the same subject only.
TEST(EvalTask, ExamplesAreOfTheSameGroup) {
  Table settings{{"path", "p"},
                 {"description", "About {{subject | spaced}}.\n\n"},
                 {"group", "{{subject}}"},
                 {"context", "{{q}}"},
                 {"choices", Array{"A", "B"}},
                 {"gold", "{{answer}}"}};
  const EvalTask task("exam", settings);
  const auto rows = [&](const char* lines) { return task.items(lines, "p", 0, false, nullptr); };
  auto items = rows(R"({"subject": "old_law", "q": "Is it?", "answer": 0})");
  const auto examples = rows(
      "{\"subject\": \"maths\", \"q\": \"1?\", \"answer\": 1}\n"
      "{\"subject\": \"old_law\", \"q\": \"2?\", \"answer\": 1}\n");
  add_examples(task, examples, {1, 1, false}, items);
  EXPECT_EQ(items[0].contexts[0], "About old law.\n\n2? B\n\nIs it?");
  EXPECT_THROW(add_examples(task, examples, {2, 1, false}, items), Error);
}

TEST(EvalTask, ARowThatDoesNotFitIsNamedOrCounted) {
  const EvalTask task("school", school());
  const auto refusal = [&](const std::string& line) {
    return fixtures::message_of<FormatError>([&] { items_of(task, line); });
  };
  EXPECT_EQ(refusal("{\"question\": \"a\"}"), "school.jsonl: line 1: choices.text: expected such a field, got none");
  EXPECT_EQ(refusal(R"({"question": "a", "choices": {"text": ["x"], "label": ["A"]}, "answerKey": "E"})"),
            "school.jsonl: line 1: gold: expected one of A, got \"E\"");
  EXPECT_EQ(refusal(R"({"question": "a", "choices": {"text": ["x", ""], "label": ["A", "B"]}, "answerKey": "A"})"),
            "school.jsonl: line 1: choices: expected texts, got an empty one");
  EXPECT_EQ(refusal("\n"), "school.jsonl: expected rows for task school, got none");
  int64_t num_skipped = 0;
  EXPECT_EQ(task.items(std::string("{\n") + kSchool, "school.jsonl", 0, true, &num_skipped).size(), 3U);
  EXPECT_EQ(num_skipped, 1);
}

TEST(EvalTask, GoldNumbersHaveABeginningAndAnEnd) {
  Table settings{
      {"path", "p"}, {"context", "{{q}}"}, {"choices", Array{"a", "b"}}, {"gold", "{{g}}"}, {"gold_from", 1}};
  const EvalTask task("t", settings);
  const auto gold = [&](const std::string& g) { return task.item({{"q", "?"}, {"g", g}}, "p: line 1").gold; };
  EXPECT_EQ(gold("1"), 0U);
  EXPECT_EQ(gold("2"), 1U);
  for (const char* bad : {"0", "3", "1.0", "x", "", "99999999999999999999"})
    EXPECT_EQ(fixtures::message_of<FormatError>([&] { gold(bad); }),
              std::string("p: line 1: gold: expected 1 .. 2, got \"") + bad + "\"");
}

TEST(EvalTask, SettingsThatAreMissingOrWrongAreNamed) {
  const auto refusal = [](const char* key, Value value) {
    Table settings = school();
    if (value.is_null()) settings.erase(key);
    else settings.set(key, std::move(value));
    return fixtures::message_of<ConfigError>([&] { EvalTask("t", settings); });
  };
  EXPECT_EQ(refusal("choices", {}), "[task t] choices: expected the choices, got none");
  EXPECT_EQ(refusal("gold", {}), "[task t] gold: expected which choice is the right one, got none");
  EXPECT_EQ(refusal("context", "{{a"), "[task t] context: expected a \"}}\" behind \"{{a\", got none");
  EXPECT_EQ(refusal("words", Array{"a"}), "[task t] words: expected texts of the form \"this=that\", got \"a\"");
  EXPECT_NE(refusal("chocies", "x").find("nearest: \"choices\""), std::string::npos) << refusal("chocies", "x");
  EXPECT_NE(refusal("text", "x").find("has no effect while form = \"multiple_choice\""), std::string::npos);
  EXPECT_NE(refusal("gold_from", 1).find("has no effect while gold_among is given"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::eval_task_test
