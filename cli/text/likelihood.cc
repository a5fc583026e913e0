#include "cli/text/likelihood.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "heterodyne/base/text.h"
#include "heterodyne/eval/log_likelihood.h"
#include "heterodyne/io/json.h"

namespace heterodyne::cli {
namespace {

constexpr int64_t kLongest = 2048;

int64_t num_words(const std::string& text) {
  int64_t count = 0;
  bool is_inside = false;
  for (const char c : text) {
    const bool is_space = std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos;
    count += !is_space && !is_inside ? 1 : 0;
    is_inside = !is_space;
  }
  return count;
}

struct Question {
  std::string context;
  std::vector<std::string> choices;
  size_t gold = 0;
};

Question read_question(const std::string& line, const std::string& where) {
  const Table table = io::parse_json_table(line, where);
  Question question{io::text_at(table, "context", where), {}};
  for (const Value& choice : io::array_at(table, "choices", where)) {
    if (choice.if_text() == nullptr || choice.if_text()->empty())
      throw FormatError::in_file(where, "choices: expected texts, got " + io::write_json(choice));
    question.choices.push_back(*choice.if_text());
  }
  const int64_t gold = io::integer_at(table, "gold", where);
  if (question.choices.empty() || gold < 0 || gold >= static_cast<int64_t>(question.choices.size()))
    throw FormatError::in_file(
        where, fmt::format("gold: expected the place of one of {} choices, got {}", question.choices.size(), gold));
  question.gold = static_cast<size_t>(gold);
  return question;
}

// A share of `count` with its standard error.
std::vector<Value> share_row(const char* name, int64_t hits, int64_t count) {
  const double share = static_cast<double>(hits) / static_cast<double>(count);
  const double error = count > 1 ? std::sqrt(share * (1 - share) / static_cast<double>(count - 1)) : 0;
  return {name, share, count > 1 ? Value(error) : Value()};
}

}  // namespace

void expect_language_model(const Experiment& experiment, const std::string& verb) {
  const DataShape shape = network_shape(experiment);
  if (shape.is_text() && shape.num_classes == shape.vocabulary) return;
  throw ConfigError(verb, "model",
                    fmt::format("expected a language model, got a \"{}\" for {}", experiment.options.model.kind,
                                shape.is_text() ? "classes of texts" : "images"));
}

int64_t longest_conversation(const Experiment& experiment) {
  const Value* context = experiment.resolved.find_path("model.context");
  return context && context->if_integer() && *context->if_integer() > 0 ? *context->if_integer() : kLongest;
}

int64_t longest_text(const Experiment& experiment) {
  for (const char* path : {"model.context", "data.length"}) {
    const Value* value = experiment.resolved.find_path(path);
    if (value && value->if_integer() && *value->if_integer() > 0) return std::min(*value->if_integer(), kLongest);
  }
  return kLongest;
}

Rows text_rows(const Reader& reader, const std::string& text, const std::string& where) {
  auto ids = reader.tokenizer.encode(text, where);
  const auto frame = reader.tokenizer.framed(std::vector<int64_t>()).ids;
  // Without a symbol that stands before texts the first one is not scored.
  int64_t prefix = frame.empty() ? -1 : frame.front();
  if (frame.empty() && !ids.empty()) prefix = ids.front(), ids.erase(ids.begin());
  if (ids.empty()) throw FormatError(where, "expected a text of at least two symbols, got less");
  const double sum = rolling_log_likelihood(reader.network, ids, prefix, reader.most);
  const auto bytes = static_cast<double>(text.size()), tokens = static_cast<double>(ids.size());
  const auto words = static_cast<double>(num_words(text));
  return {{"metric", "value"},
          {{"bits_per_byte", -sum / bytes / std::numbers::ln2},
           {"byte_perplexity", std::exp(-sum / bytes)},
           {"word_perplexity", words > 0 ? Value(std::exp(-sum / words)) : Value()},
           {"token_perplexity", std::exp(-sum / tokens)},
           {"log_likelihood", sum},
           {"bytes", static_cast<int64_t>(text.size())},
           {"words", num_words(text)},
           {"tokens", static_cast<int64_t>(ids.size())}}};
}

Rows question_rows(const Reader& reader, const std::string& lines, const std::string& where) {
  int64_t number = 0, count = 0, by_sum = 0, by_characters = 0, by_bytes = 0;
  for (const auto& line : split(lines, '\n')) {
    const std::string place = fmt::format("{}: line {}", where, ++number);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Question question = read_question(line, place);
    std::vector<double> sums;
    for (const auto& choice : question.choices) {
      const auto text = continued_text(reader.tokenizer, question.context, " " + choice, place);
      sums.push_back(likelihood_of(reader.network, text, reader.most).log_likelihood);
    }
    const BestChoice best = best_choice(sums, question.choices);
    by_sum += best.by_sum == question.gold ? 1 : 0;
    by_characters += best.by_characters == question.gold ? 1 : 0;
    by_bytes += best.by_bytes == question.gold ? 1 : 0;
    ++count;
  }
  if (count == 0) throw FormatError(where, "expected questions, got none");
  return {{"metric", "value", "standard error"},
          {share_row("acc", by_sum, count),
           share_row("acc_norm", by_characters, count),
           share_row("acc_bytes", by_bytes, count),
           {"questions", count, Value()}}};
}

}  // namespace heterodyne::cli
