#include "cli/task_words.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"

namespace heterodyne::cli::task_words_test {
namespace {

TaskWords words_of(const std::string& tokenizer, const std::string& model) {
  const auto experiment = read_experiment(
      parse_toml("name = \"x\"\n[data]\nkind = \"text_lm\"\npath = \"x\"\ntokenizer = \"" + tokenizer +
                     "\"\n[model]\nkind = \"lstm_lm\"\nmoe = { experts = [{ kind = \"mlp\", count = 2 }] }\n" + model,
                 "x.toml"));
  return task_words(experiment, *make_network(experiment));
}

TEST(TaskWords, NamesTheTask) {
  EXPECT_EQ(words_of("byte", "").task, Task::kCharacters);
  EXPECT_EQ(words_of("word", "").task, Task::kWords);
}

TEST(TaskWords, ATextWithAClassHasNoNextWord) {
  const auto experiment = read_experiment(parse_toml(
      "name = \"x\"\n[data]\nkind = \"text_classes\"\npath = \"x\"\ntest_path = \"x\"\nclasses = [\"a\", "
      "\"b\"]\n[model]\nkind = \"dmmoe\"\nstem = \"symbols\"\nwidth = 8\ndense = \"mlp\"\nmoe = { layers = [] }",
      "x.toml"));
  const auto words = task_words(experiment, *make_network(experiment));
  EXPECT_EQ(words.task, Task::kTexts);
  EXPECT_FALSE(words.sees_future);
  EXPECT_EQ(words.measure(1), "");
  EXPECT_EQ(words.examples(), "texts");
  EXPECT_EQ(words.rate(), "texts/s");
}

TEST(TaskWords, SaysWhenTheModelSeesTheFuture) {
  const auto words = words_of("byte", "compat = \"port\"\nbidirectional = true\nallow_leak = true");
  EXPECT_EQ(words.measure(1.3862944), "  bits/char 2.000  (sees the future)");
  EXPECT_FALSE(words_of("byte", "").sees_future);
}

// ln 2 nats are one bit; a loss of ln 100 is a perplexity of 100.
TEST(TaskWords, MeasuresInTheTasksUnit) {
  const TaskWords characters{Task::kCharacters, false}, words{Task::kWords, false}, images;
  EXPECT_EQ(characters.measure(1.3862944), "  bits/char 2.000");
  EXPECT_EQ(words.measure(4.6051702), "  perplexity 100.0");
  EXPECT_EQ(images.measure(1), "");
  EXPECT_EQ(words.rate(), "tok/s");
}

TEST(TaskWords, ScoresAreNamed) {
  ClassificationMetrics three, two, numbers;
  three.add(torch::eye(3), torch::tensor({0, 1, 0}));
  EXPECT_EQ(score_text(three), "accuracy 66.67 %");
  two.add(torch::eye(2), torch::tensor({0, 1}));
  EXPECT_EQ(score_text(two), "accuracy 100.00 %   F1 100.00 %   Matthews 1.0000");
  numbers.add(torch::tensor({{1.0}, {2.0}, {3.0}}), torch::tensor({3.0F, 2.0F, 1.0F}));
  EXPECT_EQ(score_text(numbers), "Pearson -1.0000   Spearman -1.0000");
}

}  // namespace
}  // namespace heterodyne::cli::task_words_test
