#include "heterodyne/eval/harness/run_task.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/harness/space.h"

namespace heterodyne {
namespace {

// The windows of all rows in one list, and which of them are whose.
struct Plan {
  std::vector<TextWindow> windows;
  struct Part {
    size_t first = 0, end = 0;  // windows of a choice
    bool is_cut = false;
    int64_t num_tokens = 0;
  };
  std::vector<std::vector<Part>> parts;  // of each row, of each choice

  Part& add(std::vector<TextWindow> more) {
    Part part{windows.size(), windows.size() + more.size()};
    for (auto& window : more) windows.push_back(std::move(window));
    parts.back().push_back(part);
    return parts.back().back();
  }
};

void plan_text(const EvalItem& item, const TaskModel& model, Plan& plan) {
  const auto frame = model.tokenizer.framed(std::vector<int64_t>()).ids;
  auto ids = model.tokenizer.framed(model.tokenizer.encode(item.continuations[0], item.where)).ids;
  // lm-eval puts the symbol that begins texts before them twice; without one the first symbol is not scored.
  const int64_t prefix = frame.empty() ? ids.front() : frame.front();
  if (frame.empty()) ids.erase(ids.begin());
  if (ids.empty()) throw FormatError::in_file(item.where, "text: expected at least two symbols, got less");
  auto& part = plan.add(rolling_windows(ids, prefix, model.most));
  part.num_tokens = static_cast<int64_t>(ids.size());
}

void plan_choices(const EvalItem& item, const TaskModel& model, Plan& plan) {
  for (size_t c = 0; c < item.continuations.size(); ++c) {
    const auto text = continued_text(model.tokenizer, item.contexts[c], item.continuations[c], item.where);
    const auto length = static_cast<int64_t>(text.continuation.size());
    if (length > model.most)
      throw FormatError::in_file(item.where,
                                 fmt::format("choices: expected at most the {} symbols that the model reads "
                                             "at once, got {}",
                                             model.most, length));
    bool is_cut = false;
    std::vector<TextWindow> one;
    one.push_back(window_of(text, model.most, &is_cut));
    auto& part = plan.add(std::move(one));
    part.is_cut = is_cut;
    part.num_tokens = length;
  }
}

Plan plan_of(const EvalTask& task, std::vector<EvalItem>& items, const TaskModel& model, bool skips_bad,
             int64_t& num_skipped) {
  Plan plan;
  std::vector<EvalItem> kept;
  for (auto& item : items) {
    const size_t before = plan.windows.size();
    plan.parts.emplace_back();
    try {
      if (task.options().is_questions()) plan_choices(item, model, plan);
      else plan_text(item, model, plan);
      kept.push_back(std::move(item));
    } catch (const FormatError&) {
      if (!skips_bad) throw;
      plan.windows.resize(before);
      plan.parts.pop_back();
      ++num_skipped;
    }
  }
  items = std::move(kept);
  return plan;
}

// Of all windows, in their order; nothing when it was stopped.
std::optional<std::vector<WindowScore>> scores_of(const std::vector<TextWindow>& windows, const TaskModel& model,
                                                  const TaskRun& run) {
  std::vector<WindowScore> scores(windows.size());
  std::vector<TextWindow> missing;
  std::vector<size_t> places;
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto known = run.cache ? run.cache->find(windows[i]) : std::nullopt;
    if (known) {
      scores[i] = *known;
      continue;
    }
    missing.push_back(windows[i]);
    places.push_back(i);
  }
  ScoringOptions options;
  options.tokens = model.tokens_per_batch;
  options.on_score = [&](size_t place, const WindowScore& score) {
    scores[places[place]] = score;
    if (run.cache) run.cache->add(missing[place], score);
  };
  options.on_batch = [&](size_t num_done) {
    const auto known = static_cast<int64_t>(windows.size() - missing.size() + num_done);
    return !run.on_progress || run.on_progress(known, static_cast<int64_t>(windows.size()));
  };
  if (!score_windows(model.network, missing, options)) return std::nullopt;
  return scores;
}

struct Ratio {
  double value = 0;
  std::optional<double> standard_error = {};
};

// sum(a) / sum(b), and the standard error by the first order of its Taylor series in the rows.
Ratio ratio_of(const std::vector<std::pair<double, double>>& pairs) {
  double a = 0, b = 0, squares = 0;
  for (const auto& [x, y] : pairs) a += x, b += y;
  Ratio ratio{a / b};
  const auto n = static_cast<double>(pairs.size());
  for (const auto& [x, y] : pairs) squares += (x - ratio.value * y) * (x - ratio.value * y);
  if (pairs.size() > 1) ratio.standard_error = std::sqrt(n / (n - 1) * squares) / b;
  return ratio;
}

// Nats of the scored text of each row, by another count of it.
template <class Count>
Ratio nats_per(const std::vector<ScoredItem>& items, const Count& count) {
  std::vector<std::pair<double, double>> pairs;
  for (const auto& scored : items) {
    const size_t gold = scored.item.gold;
    pairs.emplace_back(-scored.likelihoods[gold].log_likelihood, static_cast<double>(count(scored.item.choices[gold])));
  }
  return ratio_of(pairs);
}

TaskMetric in_bits(const Ratio& nats) {
  TaskMetric metric{"bits_per_byte", nats.value / std::numbers::ln2};
  if (nats.standard_error) metric.standard_error = *nats.standard_error / std::numbers::ln2;
  return metric;
}

TaskMetric as_perplexity(const char* name, const Ratio& nats) {
  TaskMetric metric{name, std::exp(nats.value)};
  if (nats.standard_error) metric.standard_error = metric.value * *nats.standard_error;
  return metric;
}

TaskMetric share_of(const std::string& name, const std::vector<ScoredItem>& items) {
  int64_t hits = 0;
  for (const auto& scored : items) hits += scored.is_right(name) ? 1 : 0;
  const auto n = static_cast<double>(items.size());
  TaskMetric metric{name, static_cast<double>(hits) / n};
  if (items.size() > 1) metric.standard_error = std::sqrt(metric.value * (1 - metric.value) / (n - 1));
  return metric;
}

std::vector<TaskMetric> metrics_of(const EvalTask& task, const std::vector<ScoredItem>& items) {
  const auto bytes = [](const std::string& text) { return text.size(); };
  std::vector<TaskMetric> metrics;
  if (!task.options().is_questions()) {
    metrics.push_back(as_perplexity("word_perplexity", nats_per(items, num_parts)));
    metrics.push_back(as_perplexity("byte_perplexity", nats_per(items, bytes)));
    metrics.push_back(in_bits(nats_per(items, bytes)));
    return metrics;
  }
  const std::string& own = task.options().metric;
  metrics.push_back(share_of(own, items));
  if (!task.options().contexts.empty()) return metrics;  // lengths say nothing where all choices are scored alike
  for (const char* name : {"acc", "acc_norm", "acc_bytes"}) {
    if (name != own) metrics.push_back(share_of(name, items));
  }
  metrics.push_back(in_bits(nats_per(items, bytes)));
  return metrics;
}

}  // namespace

bool ScoredItem::is_right(const std::string& metric) const {
  std::vector<double> sums;
  for (const auto& likelihood : likelihoods) sums.push_back(likelihood.log_likelihood);
  const BestChoice best = best_choice(sums, item.choices);
  if (metric == "acc_norm") return best.by_characters == item.gold;
  return (metric == "acc_bytes" ? best.by_bytes : best.by_sum) == item.gold;
}

TaskResult run_task(const EvalTask& task, std::vector<EvalItem> items, const TaskModel& model, const TaskRun& run) {
  TaskResult result;
  const Plan plan = plan_of(task, items, model, run.skips_bad, result.num_skipped);
  if (items.empty()) throw FormatError("task " + task.name(), "expected rows, got none that could be used");
  const auto scores = scores_of(plan.windows, model, run);
  result.is_complete = scores.has_value();
  if (!scores) return result;
  for (size_t i = 0; i < items.size(); ++i) {
    ScoredItem scored{std::move(items[i]), {}, {}};
    for (const auto& part : plan.parts[i]) {
      Likelihood likelihood;
      likelihood.is_cut = part.is_cut;
      for (size_t w = part.first; w < part.end; ++w) {
        likelihood.log_likelihood += (*scores)[w].log_likelihood;
        likelihood.is_greedy = likelihood.is_greedy && (*scores)[w].is_greedy;
      }
      scored.likelihoods.push_back(likelihood);
      scored.num_tokens.push_back(part.num_tokens);
    }
    result.items.push_back(std::move(scored));
  }
  result.metrics = metrics_of(task, result.items);
  return result;
}

Table sample_table(const EvalTask& task, const ScoredItem& scored) {
  const EvalItem& item = scored.item;
  Table table{{"task", task.name()}, {"row", item.row}};
  if (!task.options().is_questions()) {
    table.set("text", item.continuations[0]);
    table.set("log_likelihood", scored.likelihoods[0].log_likelihood);
    table.set("bytes", static_cast<int64_t>(item.choices[0].size()));
    table.set("words", num_parts(item.choices[0]));
    table.set("tokens", scored.num_tokens[0]);
    return table;
  }
  Array contexts, choices;
  bool is_cut = false;
  for (size_t c = 0; c < item.choices.size(); ++c) {
    const Likelihood& likelihood = scored.likelihoods[c];
    is_cut = is_cut || likelihood.is_cut;
    contexts.emplace_back(item.contexts[c]);
    choices.emplace_back(Table{{"continuation", item.continuations[c]},
                               {"log_likelihood", likelihood.log_likelihood},
                               {"is_greedy", likelihood.is_greedy},
                               {"bytes", static_cast<int64_t>(item.choices[c].size())},
                               {"characters", static_cast<int64_t>(columns_of(item.choices[c]))},
                               {"tokens", scored.num_tokens[c]}});
  }
  if (task.options().contexts.empty()) table.set("context", contexts[0]);
  else table.set("contexts", std::move(contexts));
  table.set("choices", std::move(choices));
  table.set("gold", static_cast<int64_t>(item.gold));
  table.set("truncated", is_cut);
  for (const char* metric : {"acc", "acc_norm"}) table.set(metric, scored.is_right(metric) ? 1 : 0);
  return table;
}

}  // namespace heterodyne
