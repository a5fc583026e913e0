#include "cli/text/task_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "cli/compute.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "cli/text/likelihood.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/paired.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/sha256.h"

namespace heterodyne::cli {
namespace {

constexpr int64_t kTokensPerBatch = 4096;
constexpr int64_t kLogitsPerBatch = int64_t{1} << 27;  // half a gigabyte in float32

std::string in_folder(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

bool is_right(const TaskResult& result, const ScoredItem& scored) {
  return scored.is_right(result.metrics.front().name);
}

}  // namespace

TaskOutcome TaskRunner::run_one(const FoundTask& found, const TaskModel& model, ScoreCache* cache) {
  const EvalTask& task = found.task;
  const auto& options = task.options();
  if (request_.shots > 0 && !options.is_questions())
    throw ConfigError("eval: --shots has no effect with task " + task.name() + ", which asks nothing");
  int64_t num_skipped = 0;
  auto items = task.items(read_rows(found, options.path, request_.folders), options.path, request_.limit,
                          request_.skips_bad, &num_skipped);
  ShownExamples few{request_.shots, 1, options.examples.empty() || options.examples == options.path};
  std::vector<EvalItem> examples;
  if (request_.shots > 0) {
    const std::string& path = few.same_file ? options.path : options.examples;
    examples = task.items(read_rows(found, path, request_.folders), path, 0, request_.skips_bad, nullptr);
  }
  add_examples(task, examples, few, items);
  TaskRun run{cache, request_.skips_bad, [&](int64_t done, int64_t total) {
                terminal_.progress(fmt::format("{}  {}/{}", task.name(), with_commas(done), with_commas(total)));
                return !stop_requested();
              }};
  TaskOutcome outcome{task.name(), run_task(task, std::move(items), model, run)};
  terminal_.clear_progress();
  num_skipped += outcome.result.num_skipped;
  if (num_skipped > 0)
    terminal_.warn(fmt::format("task {}: {} row{} left out (--skip-bad)", task.name(), with_commas(num_skipped),
                               num_skipped == 1 ? " was" : "s were"));
  const auto& scored = outcome.result.items;
  const auto num_cut = std::count_if(scored.begin(), scored.end(), [&](const ScoredItem& one) {
    return std::any_of(one.likelihoods.begin(), one.likelihoods.end(), [](const auto& l) { return l.is_cut; });
  });
  if (num_cut > 0)
    terminal_.say(fmt::format("note: task {}: {} of {} questions lost their beginning, as the model reads {} tokens",
                              task.name(), with_commas(num_cut), with_commas(static_cast<int64_t>(scored.size())),
                              with_commas(model.most)));
  if (request_.out.empty() || !outcome.result.is_complete) return outcome;
  std::string lines;
  for (const auto& one : scored) lines += io::write_json(sample_table(task, one)) + "\n";
  io::write_file(in_folder(request_.out, task.name() + ".jsonl"), lines);
  return outcome;
}

std::vector<TaskOutcome> TaskRunner::run(const std::string& path, const TrainedModel& model) {
  std::vector<FoundTask> found;  // a task that is not there shows before anything is computed
  for (const auto& name : request_.tasks) {
    found.push_back(find_task(name));
    for (size_t i = 0; i + 1 < found.size(); ++i) {
      if (found[i].task.name() == found.back().task.name())
        throw ConfigError("eval: --tasks: expected tasks of different names, got two called " + found[i].task.name());
    }
  }
  expect_language_model(model.experiment, "eval");
  const auto tokenizer = tokenizer_of(model.experiment);
  const int64_t most = longest_text(model.experiment);
  const auto num_symbols = std::max<int64_t>(1, static_cast<int64_t>(model.experiment.vocabulary.size()));
  const TaskModel reader{*model.network, *tokenizer, most, std::min(kTokensPerBatch, kLogitsPerBatch / num_symbols)};
  std::optional<ScoreCache> cache;
  if (!request_.out.empty()) {
    std::error_code error;
    std::filesystem::create_directories(request_.out, error);
    if (error) throw DeviceError(fmt::format("{}: cannot be made: {}", request_.out, error.message()));
    const std::string weights = request_.dtype == "float32" ? "" : " in " + request_.dtype;
    cache.emplace(in_folder(request_.out, "cache.jsonl"),
                  io::sha256_of_file(in_folder(model.checkpoint.folder, "manifest.json")) + weights);
  }
  std::vector<TaskOutcome> outcomes;
  for (const auto& task : found) {
    outcomes.push_back(run_one(task, reader, cache ? &*cache : nullptr));
    if (outcomes.back().result.is_complete) continue;
    outcomes.pop_back();
    terminal_.say(fmt::format("{}: stopped in task {}{}", path, task.task.name(),
                              cache ? "; the same line goes on from here" : ""));
    break;
  }
  return outcomes;
}

Rows outcome_rows(const std::vector<TaskOutcome>& outcomes) {
  Rows rows{{"task", "n", "metric", "value", "standard error"}, {}};
  double sum = 0;
  bool are_shares = true;
  for (const auto& [task, result] : outcomes) {
    sum += result.metrics.front().value;
    are_shares = are_shares && result.metrics.front().name.starts_with("acc");
    for (const auto& metric : result.metrics) {
      rows.rows.push_back({task, static_cast<int64_t>(result.items.size()), metric.name, metric.value,
                           metric.standard_error ? Value(*metric.standard_error) : Value()});
    }
  }
  if (outcomes.size() > 1 && are_shares)
    rows.rows.push_back({"mean", Value(), "", sum / static_cast<double>(outcomes.size()), Value()});
  return rows;
}

Rows difference_rows(const std::vector<TaskOutcome>& first, const std::vector<TaskOutcome>& second,
                     const std::string& first_name, const std::string& second_name) {
  Rows rows{{"task", "metric", "n", first_name, second_name, "difference", "from", "to", "distinguishable"}, {}};
  for (size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const TaskResult &one = first[i].result, &other = second[i].result;
    if (!one.metrics.front().name.starts_with("acc")) continue;
    std::map<int64_t, bool> right;
    for (const auto& scored : other.items) right[scored.item.row] = is_right(other, scored);
    std::vector<double> differences;
    for (const auto& scored : one.items) {
      const auto found = right.find(scored.item.row);
      if (found == right.end()) continue;
      differences.push_back((is_right(one, scored) ? 1.0 : 0.0) - (found->second ? 1.0 : 0.0));
    }
    const auto difference = paired_difference(differences);
    rows.rows.push_back({first[i].task, one.metrics.front().name, difference.count, one.metrics.front().value,
                         other.metrics.front().value, difference.mean, difference.low, difference.high,
                         difference.is_distinguishable() ? "yes" : "no"});
  }
  return rows;
}

int run_tasks(const std::string& path, TaskRequest request, const std::string& format, Terminal& terminal) {
  const auto model = load_model(path, {}, terminal.log());
  use_dtype(request.dtype, *model.network, terminal);
  catch_stop_signals();
  const auto outcomes = TaskRunner(request, terminal).run(path, model);
  Rows rows = outcome_rows(outcomes);
  if (!request.out.empty() && !stop_requested()) {
    const Table document{{"model", path}, {"shots", request.shots}, {"results", objects_of(rows)}};
    io::write_file(in_folder(request.out, "eval.json"), json_text(document) + "\n");
  }
  if (!request.compare.empty() && !stop_requested()) {
    request.out.clear();
    const auto other = load_model(request.compare, {}, terminal.log());
    use_dtype(request.dtype, *other.network, terminal);
    const auto others = TaskRunner(request, terminal).run(request.compare, other);
    rows = difference_rows(outcomes, others, path, request.compare);
  }
  if (!rows.rows.empty()) print_rows(terminal, rows, format);
  return stop_requested() ? kInterrupted : 0;
}

}  // namespace heterodyne::cli
