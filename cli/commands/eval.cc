// heterodyne eval MODEL: how good a trained model is on a split, and how it used its experts.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/task_words.h"
#include "cli/text/likelihood.h"
#include "cli/text/task_report.h"
#include "cli/view/report.h"
#include "cli/view/work.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/evaluate.h"
#include "heterodyne/eval/latency.h"
#include "heterodyne/io/compressed.h"

namespace heterodyne {
namespace {

struct EvalFlags {
  cli::ModelFlag model;
  std::string split = "test";
  int64_t limit = 0;
  std::string text;
  std::string questions;
  std::string tasks;
  int64_t shots = 0;
  bool skip_bad = false;
  std::string compare;
  std::string out;
  bool latency = false;
  cli::DtypeFlag dtype;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::DryRunFlag plan;
  cli::FormatFlag format;
  void visit(Fields& field) {
    model.visit(field);
    field("split", split, "which examples", one_of("train", "valid", "test"));
    field("limit", limit, "at most so many examples; 0: all", at_least(0));
    field("text", text, "a file: how probable the model finds this text, in the place of a split");
    field("questions", questions,
          "a file with a line {\"context\": TEXT, \"choices\": [TEXT, ...], \"gold\": INDEX} for each question: how "
          "often the best choice is the right one, by the rules of lm-eval, in the place of a split");
    field("tasks", tasks,
          "tasks of the harness (heterodyne ls tasks), or TOML files of one's own, with commas between them, in the "
          "place of a split");
    field("shots", shots, "examples with their answers before each question", at_least(0));
    field("skip_bad", skip_bad, "leave rows out that cannot be used, and count them, instead of ending there");
    field("compare", compare, "another model: how far apart the two are on the same questions");
    field("out", out,
          "where to write; the folder of eval.json, the samples of each task and the cache, so that what "
          "was stopped goes on");
    field("latency", latency, "measure how long passes over one example and over a batch take, here and now");
    dtype.visit(field);
    compute.visit(field);
    device.visit(field);
    plan.visit(field);
    format.visit(field);
  }
};

// What was found, for print().
struct Found {
  const Evaluation& evaluation;
  const std::vector<std::string>& classes;
  std::vector<std::string> class_types;
  std::vector<Latency> latency;
};

// Precision, recall and F1 where examples have classes; recall of all is the accuracy.
Rows class_rows(const Found& found) {
  Rows rows{{"class", "accuracy %", "precision %", "F1 %", "examples"}, {}};
  const auto add = [&](const std::string& name, const ClassificationMetrics::ClassReport& report) {
    const bool is_seen = report.support > 0;
    rows.rows.push_back({name, is_seen ? Value(100 * report.recall) : Value(), 100 * report.precision, 100 * report.f1,
                         report.support});
  };
  const auto reports = found.evaluation.metrics.report_by_class();
  for (size_t y = 0; y < reports.size() && y < found.classes.size(); ++y) add(found.classes[y], reports[y]);
  add("mean, weighted by examples", found.evaluation.metrics.weighted_report());
  return rows;
}

// None where classes are of one sort.
Rows type_rows(const Found& found) {
  Rows rows{{"sort of answer", "accuracy %", "examples"}, {}};
  for (const auto& one : accuracy_by_type(found.evaluation.metrics, found.class_types))
    rows.rows.push_back({one.type, 100 * one.accuracy, one.num_examples});
  return rows;
}

Table values_of(const Found& found) {
  Table values = found.evaluation.table();
  if (!found.classes.empty()) {
    const auto mean = found.evaluation.metrics.weighted_report();
    values.set("precision", mean.precision);
    values.set("recall", mean.recall);
    values.set("f1", mean.f1);
  }
  for (const auto& one : accuracy_by_type(found.evaluation.metrics, found.class_types))
    values.set("accuracy." + one.type, one.accuracy);
  for (const Latency& latency : found.latency) {
    values.set(fmt::format("latency.{}.p50_ms", latency.batch), latency.p50_ms);
    values.set(fmt::format("latency.{}.p95_ms", latency.batch), latency.p95_ms);
  }
  return values;
}

void print_for_people(const EvalFlags& options, Network& network, const Found& found, const cli::TaskWords& words,
                      cli::Terminal& terminal) {
  const auto& metrics = found.evaluation.metrics;
  const std::string examples = words.task == cli::Task::kImages ? "examples" : words.examples();
  terminal.print(fmt::format("{}  {} split, {} {}   {}   loss {:.4f}{}", options.model.path("eval"), options.split,
                             with_commas(metrics.num_examples()), examples, cli::score_text(metrics), metrics.loss(),
                             words.measure(metrics.loss())));
  if (!found.classes.empty()) terminal.print(cli::table_text(class_rows(found)));
  if (!found.class_types.empty()) terminal.print(cli::table_text(type_rows(found)));
  if (network.moe_layers().empty()) {
    terminal.print(fmt::format("MAC of an example: {}   {} parameters",
                               cli::short_count(found.evaluation.cost.executed.macs),
                               with_commas(found.evaluation.num_params)));
  } else {
    for (const auto& line : cli::routing_lines(profile_of(network, found.evaluation, nullptr), terminal.width()))
      terminal.print(line);
  }
  for (const Latency& latency : found.latency) {
    terminal.print(fmt::format("batch of {}: {:.2f} ms, 95 of 100 below {:.2f} ms ({} passes, {} thread{})",
                               latency.batch, latency.p50_ms, latency.p95_ms, latency.num_passes, latency.threads,
                               latency.threads == 1 ? "" : "s"));
  }
}

void print(const EvalFlags& options, Network& network, const Found& found, const cli::TaskWords& words,
           cli::Terminal& terminal) {
  const std::string& format = options.format.format;
  if (format == "table") return print_for_people(options, network, found, words, terminal);
  const Table values = values_of(found);
  if (format == "json") {
    Table document{{"model", options.model.path("eval")},
                   {"split", options.split},
                   {"n", found.evaluation.metrics.num_examples()},
                   {"metrics", values}};
    if (!found.classes.empty()) document.set("classes", cli::objects_of(class_rows(found)));
    return terminal.print(cli::json_text(document));
  }
  cli::Rows rows{{"metric", "value"}, {}};
  for (const auto& [key, value] : values.entries()) rows.rows.push_back({key, value});
  cli::print_rows(terminal, rows, format);
}

int read_file(const EvalFlags& options, const cli::Invocation& invocation) {
  if (!options.text.empty() && !options.questions.empty())
    throw ConfigError("eval: expected one of --text and --questions, got both");
  const auto model = load_model(options.model.path("eval"), {}, invocation.terminal.log());
  cli::expect_language_model(model.experiment, "eval");
  cli::use_dtype(options.dtype.dtype, *model.network, invocation.terminal);
  const auto tokenizer = tokenizer_of(model.experiment);
  const cli::Reader reader{*model.network, *tokenizer, cli::longest_text(model.experiment)};
  const std::string& file = options.text.empty() ? options.questions : options.text;
  const std::string contents = io::read_maybe_compressed(file);
  cli::print_rows(
      invocation.terminal,
      options.text.empty() ? cli::question_rows(reader, contents, file) : cli::text_rows(reader, contents, file),
      options.format.format);
  return 0;
}

// What has no effect beside what was asked for.
void refuse_without_effect(const EvalFlags& options) {
  const bool reads = !options.text.empty() || !options.questions.empty(), asks = !options.tasks.empty();
  const auto refuse = [](bool is_given, const char* flag, const char* beside) {
    if (is_given) throw ConfigError(fmt::format("eval: {} has no effect {}", flag, beside));
  };
  if (reads && asks) throw ConfigError("eval: expected one of --tasks, --text and --questions, got several");
  for (const auto& [is_given, flag] : {std::pair(options.shots > 0, "--shots"),
                                       {options.skip_bad, "--skip-bad"},
                                       {!options.compare.empty(), "--compare"},
                                       {!options.out.empty(), "--out"}})
    refuse(is_given && !asks, flag, "without --tasks");
  const char* beside = asks ? "with --tasks" : "with --text and --questions";
  refuse((reads || asks) && options.plan.dry_run, "--dry-run", beside);
  refuse((reads || asks) && options.latency, "--latency", beside);
  refuse((reads || asks) && options.split != "test", "--split", beside);
  refuse(reads && options.limit > 0, "--limit", beside);
}

int run_eval(const EvalFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::keep_freed_memory();
  cli::device_of(options.device, invocation.environment);
  refuse_without_effect(options);
  if (!options.tasks.empty()) {
    const cli::TaskRequest request{
        split(options.tasks, ','), options.shots,      options.limit,
        options.skip_bad,          options.out,        cli::data_folders(options.compute, invocation.environment),
        options.compare,           options.dtype.dtype};
    return cli::run_tasks(options.model.path("eval"), request, options.format.format, invocation.terminal);
  }
  if (!options.text.empty() || !options.questions.empty()) return read_file(options, invocation);
  const std::string& path = options.model.path("eval");
  const auto [experiment, checkpoint, network] = load_model(path, {}, invocation.terminal.log());
  const auto dataset =
      make_dataset(experiment, cli::data_folders(options.compute, invocation.environment), invocation.terminal.log());
  const Split split = split_named(options.split);
  auto loading = loader_options(experiment, split);
  loading.shuffle = loading.augment = false;
  if (dataset->size(split) == 0)
    throw ConfigError("eval", "split", fmt::format("the {} split is empty", options.split));
  Loader loader(*dataset, split, loading);
  if (options.plan.dry_run) {
    const int64_t count = cli::num_examples_of(*dataset, split, options.limit);
    invocation.terminal.print(fmt::format("would evaluate {}, step {}, on the {} split; {}", path,
                                          with_commas(checkpoint.state.step), options.split,
                                          cli::work_text(*network, dataset->shape(), static_cast<double>(count))));
    invocation.terminal.say("nothing was done: --dry-run");
    return 0;
  }
  cli::use_dtype(options.dtype.dtype, *network, invocation.terminal);
  const auto evaluation = evaluate(
      *network, loader, {experiment.dtype(), options.limit, [&](int64_t done) {
                           invocation.terminal.progress(fmt::format("batch {}/{}", done, loader.num_batches()));
                           return true;
                         }});
  invocation.terminal.clear_progress();
  Found found{evaluation, dataset->class_names(), dataset->class_types(), {}};
  if (options.latency) found.latency = measure_latency(*network, *dataset, split, loading, experiment.dtype());
  print(options, *network, found, cli::task_words(experiment, *network), invocation.terminal);
  return 0;
}

}  // namespace

CommandKind command_kind_eval() {
  return command_kind<EvalFlags>("evaluate a trained model on a split",
                                 "heterodyne eval runs/demo\nheterodyne eval runs/demo --split valid --format json\n"
                                 "heterodyne eval runs/demo --limit 1000\nheterodyne eval runs/demo --latency\n"
                                 "heterodyne eval models/llama --text book.txt\n"
                                 "heterodyne eval models/llama --text book.txt --dtype int8\n"
                                 "heterodyne eval models/llama --tasks arc_easy,piqa --shots 5 --out results",
                                 run_eval);
}

}  // namespace heterodyne
