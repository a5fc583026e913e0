#include "heterodyne/eval/harness/eval_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "heterodyne/base/random.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json_lines.h"

namespace heterodyne {
namespace {

// "cause=because"
FieldTemplate::Words words_of_task(const std::vector<std::string>& pairs, const std::string& where) {
  FieldTemplate::Words words;
  for (const auto& pair : pairs) {
    const size_t at = pair.find('=');
    if (at == std::string::npos)
      throw ConfigError(where, "words", fmt::format("expected texts of the form \"this=that\", got \"{}\"", pair));
    words[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return words;
}

std::vector<std::string> all_texts(const std::vector<FieldTemplate>& templates, const Table& row,
                                   const std::string& where) {
  std::vector<std::string> all;
  for (const auto& one : templates) {
    const auto texts = one.texts(row, where);
    all.insert(all.end(), texts.begin(), texts.end());
  }
  return all;
}

}  // namespace

void EvalTaskOptions::visit(Fields& field) {
  field("about", about, "the task in a sentence");
  field("form", form, "questions with choices, or texts whose probability is measured",
        one_of("multiple_choice", "perplexity"));
  const bool asks = is_questions();
  const char* no_questions = "form = \"perplexity\"";
  field("path", path, "the JSONL file: beside this file, or in the folders with data; also as .gz or .xz", required());
  field("metric", metric, "what the task is compared by", one_of("acc", "acc_norm", "acc_bytes"),
        effective_when(asks, no_questions));
  field("examples", examples, "the JSONL file whose rows are shown as examples; `path` by default",
        effective_when(asks, no_questions));
  field("examples_order", examples_order, "which rows: the first ones, or for each question others, at random",
        one_of("first", "random"), effective_when(asks, no_questions));
  field("description", description, "a template for what stands before the examples",
        effective_when(asks, no_questions));
  field("group", group, "a template; examples are of rows that give the same as the question's",
        effective_when(asks, no_questions));
  field("contexts", contexts, "where the choices are in the context: a template for each of them", list_or_none(),
        effective_when(asks, no_questions));
  const bool has_contexts = !contexts.empty();
  const char* why_not = asks ? "contexts = []" : no_questions;
  const char* why_not_choices = asks ? "contexts are given" : no_questions;
  field("continuation", continuation, "what is scored behind each of `contexts`",
        effective_when(asks && has_contexts, why_not));
  field("context", context, "what stands before the choices", effective_when(asks && !has_contexts, why_not_choices));
  field("choices", choices, "a template for each choice, or one that is a list of the row", list_or_none(),
        effective_when(asks && !has_contexts, why_not_choices));
  field("delimiter", delimiter, "between a context and what is scored", effective_when(asks, no_questions));
  field("separator", separator, "behind each example", effective_when(asks, no_questions));
  field("gold", gold, "the place of the right choice, or one of `gold_among`", effective_when(asks, no_questions));
  field("gold_among", gold_among, "what stands for each choice in `gold`, or a list of the row; [] for numbers",
        list_or_none(), effective_when(asks, no_questions));
  field("gold_from", gold_from, "the number of the first choice", between(0, 1),
        effective_when(asks && gold_among.empty(), asks ? "gold_among is given" : no_questions));
  field("words", words, "for the filter `words`: this=that", list_or_none());
  field("text", text, "the text that is scored", effective_when(!asks, "form = \"multiple_choice\""));
  field("counted", counted, "the text whose words and bytes are counted; `text` by default",
        effective_when(!asks, "form = \"multiple_choice\""));
}

EvalTask::EvalTask(std::string name, const Table& settings)
    : name_(std::move(name)), options_(read_options<EvalTaskOptions>(settings, {"task " + name_, ""})) {
  check();
  words_ = words_of_task(options_.words, "task " + name_);
  contexts_ = compiled("contexts", options_.contexts);
  choices_ = compiled("choices", options_.choices);
  gold_among_ = compiled("gold_among", options_.gold_among);
  description_ = compiled("description", options_.description);
  group_ = compiled("group", options_.group);
  context_ = compiled("context", options_.context);
  continuation_ = compiled("continuation", options_.continuation);
  gold_ = compiled("gold", options_.gold);
  text_ = compiled("text", options_.text);
  counted_ = compiled("counted", options_.counted.empty() ? options_.text : options_.counted);
}

FieldTemplate EvalTask::compiled(const char* key, const std::string& text) const {
  try {
    return FieldTemplate(text, words_);
  } catch (const ConfigError&) {
    throw;
  } catch (const Error& error) {
    throw ConfigError("task " + name_, key, error.what());
  }
}

std::vector<FieldTemplate> EvalTask::compiled(const char* key, const std::vector<std::string>& texts) const {
  std::vector<FieldTemplate> all;
  for (const auto& text : texts) all.push_back(compiled(key, text));
  return all;
}

void EvalTask::check() const {
  const auto need = [&](const char* key, bool is_there, const char* what) {
    if (!is_there) throw ConfigError("task " + name_, key, fmt::format("expected {}, got none", what));
  };
  if (!options_.is_questions()) return need("text", !options_.text.empty(), "the text that is scored");
  if (options_.contexts.empty()) {
    need("context", !options_.context.empty(), "what stands before the choices");
    need("choices", !options_.choices.empty(), "the choices");
  } else {
    need("continuation", !options_.continuation.empty(), "what is scored behind each of the contexts");
  }
  need("gold", !options_.gold.empty(), "which choice is the right one");
}

size_t EvalTask::gold_of(const Table& row, size_t num_choices, const std::string& where) const {
  const std::string text = gold_.text(row, where);
  if (!gold_among_.empty()) {
    const auto names = all_texts(gold_among_, row, where);
    const auto found = std::find(names.begin(), names.end(), text);
    const auto index = static_cast<size_t>(found - names.begin());
    if (found != names.end() && index < num_choices) return index;
    throw FormatError::in_file(where, fmt::format("gold: expected one of {}, got \"{}\"", join(names), text));
  }
  int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool is_number = error == std::errc() && stop == end;
  const int64_t index = number - options_.gold_from;
  if (!is_number || index < 0 || index >= static_cast<int64_t>(num_choices))
    throw FormatError::in_file(where, fmt::format("gold: expected {} .. {}, got \"{}\"", options_.gold_from,
                                                  static_cast<int64_t>(num_choices) - 1 + options_.gold_from, text));
  return static_cast<size_t>(index);
}

EvalItem EvalTask::item(const Table& row, const std::string& where) const {
  EvalItem item;
  item.where = where;
  if (!options_.is_questions()) {
    item.continuations = {text_.text(row, where)};
    item.choices = {counted_.text(row, where)};
    if (item.continuations[0].empty() || item.choices[0].empty())
      throw FormatError::in_file(where, "text: expected at least one character, got none");
    return item;
  }
  if (contexts_.empty()) {
    item.choices = all_texts(choices_, row, where);
    item.contexts.assign(item.choices.size(), context_.text(row, where));
    for (const auto& choice : item.choices) item.continuations.push_back(options_.delimiter + choice);
  } else {
    item.contexts = item.choices = all_texts(contexts_, row, where);
    item.continuations.assign(item.contexts.size(), options_.delimiter + continuation_.text(row, where));
  }
  for (const auto& choice : item.choices) {
    if (choice.empty()) throw FormatError::in_file(where, "choices: expected texts, got an empty one");
  }
  item.gold = gold_of(row, item.choices.size(), where);
  item.example = item.contexts[item.gold] + item.continuations[item.gold];
  item.description = description_.text(row, where);
  item.group = group_.text(row, where);
  return item;
}

std::vector<EvalItem> EvalTask::items(std::string_view lines, const std::string& file, int64_t limit, bool skips_bad,
                                      int64_t* num_skipped) const {
  std::vector<EvalItem> items;
  int64_t row = 0;
  const int64_t skipped = io::each_json_line(lines, file, skips_bad, [&](const Table& table, const std::string& where) {
    if (limit > 0 && static_cast<int64_t>(items.size()) >= limit) return;
    const int64_t number = row++;
    items.push_back(item(table, where));
    items.back().row = number;
  });
  if (num_skipped) *num_skipped = skipped;
  if (items.empty()) throw FormatError::in_file(file, "expected rows for task " + name_ + ", got none");
  return items;
}

void add_examples(const EvalTask& task, const std::vector<EvalItem>& examples, const ShownExamples& options,
                  std::vector<EvalItem>& items) {
  const bool is_random = task.options().examples_order == "random";
  const RandomStream stream("examples." + task.name());
  std::map<std::string, std::vector<const EvalItem*>> groups;
  for (const auto& example : examples) groups[example.group].push_back(&example);
  for (auto& item : items) {
    std::string before = item.description;
    auto left = groups[item.group];
    if (options.same_file) std::erase_if(left, [&](const auto* example) { return example->row == item.row; });
    if (static_cast<int64_t>(left.size()) < options.num_shots)
      throw Error("task " + task.name(), fmt::format("examples: expected at least {} for {}, got {}", options.num_shots,
                                                     item.where, left.size()));
    for (size_t i = 0; i < static_cast<size_t>(options.num_shots); ++i) {
      const uint64_t draw = static_cast<uint64_t>(item.row) << 16U | i;
      if (is_random) std::swap(left[i], left[i + stream.below({options.seed, 0}, draw, left.size() - i)]);
      before += left[i]->example + task.options().separator;
    }
    for (auto& context : item.contexts) context = before + context;
  }
}

}  // namespace heterodyne
