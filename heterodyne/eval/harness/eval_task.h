// EvalTask: a set of questions with the answer to each among its choices, or a set of texts, as a TOML file describes
// it by templates over the fields of a JSONL file. The rules are those of EleutherAI's lm-evaluation-harness (0.4).
//
//   path = "arc_easy.test.jsonl"
//   context = "Question: {{question}}\nAnswer:"
//   choices = "{{choices.text}}"
//   gold = "{{answerKey}}"
//   gold_among = "{{choices.label}}"
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/fields.h"
#include "heterodyne/eval/harness/field_template.h"

namespace heterodyne {

struct EvalTaskOptions {
  std::string about;
  std::string form = "multiple_choice";
  std::string path;
  std::string examples;
  std::string examples_order = "first";
  std::string description;
  std::string group;
  std::vector<std::string> contexts;
  std::string continuation;
  std::string context;
  std::vector<std::string> choices;
  std::string delimiter = " ";
  std::string separator = "\n\n";
  std::string gold;
  std::vector<std::string> gold_among;
  int64_t gold_from = 0;
  std::vector<std::string> words;
  std::string metric = "acc";
  std::string text;
  std::string counted;

  bool is_questions() const { return form == "multiple_choice"; }
  void visit(Fields& field);
};

/// One row of a task. Of texts `choices` is the one text whose words and bytes count, `continuations` the one scored.
struct EvalItem {
  int64_t row = 0;                              // in its file, from 0; blank lines do not count
  std::string where = {};                       // "arc_easy.test.jsonl: line 7"
  std::vector<std::string> contexts = {};       // one for each choice
  std::vector<std::string> continuations = {};  // the delimiter included
  std::vector<std::string> choices = {};        // whose characters and bytes count
  size_t gold = 0;
  std::string example = {};      // as it stands before other questions, with its answer
  std::string description = {};  // what stands before all examples
  std::string group = {};        // of which the examples must be
};

class EvalTask {
 public:
  /// Throws ConfigError about the setting of `settings` at fault; they are read with `name` for where they stand.
  EvalTask(std::string name, const Table& settings);

  const std::string& name() const { return name_; }
  const EvalTaskOptions& options() const { return options_; }

  /// What a row of the file says. Throws FormatError naming `where` and the field that is missing or does not fit, or
  /// the gold answer that is not among the choices.
  EvalItem item(const Table& row, const std::string& where) const;
  /// All rows of a JSONL text, at most `limit` (0: all); those at fault end it, or are counted in `num_skipped`.
  /// Throws FormatError when there are none.
  std::vector<EvalItem> items(std::string_view lines, const std::string& file, int64_t limit, bool skips_bad,
                              int64_t* num_skipped) const;

 private:
  size_t gold_of(const Table& row, size_t num_choices, const std::string& where) const;
  FieldTemplate compiled(const char* key, const std::string& text) const;
  std::vector<FieldTemplate> compiled(const char* key, const std::vector<std::string>& texts) const;
  void check() const;

  std::string name_;
  EvalTaskOptions options_;
  FieldTemplate::Words words_;
  std::vector<FieldTemplate> contexts_, choices_, gold_among_;
  FieldTemplate description_, group_, context_, continuation_, gold_, text_, counted_;
};

struct ShownExamples {
  int64_t num_shots = 0;
  uint64_t seed = 0;
  bool same_file = false;  // whether the examples are of the items' own file, where an item is no example of itself
};
/// Puts the description and `num_shots` of the `examples` of its group before the contexts of each item: the first
/// ones, or some at random (by `seed` and its row), as the task says. Throws Error when there are fewer.
void add_examples(const EvalTask& task, const std::vector<EvalItem>& examples, const ShownExamples& options,
                  std::vector<EvalItem>& items);

}  // namespace heterodyne
