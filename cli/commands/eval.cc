// heterodyne eval MODEL: how good a trained model is on a split, and how it used its experts.
#include <fmt/format.h>

#include <cmath>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/task_words.h"
#include "cli/text/likelihood.h"
#include "cli/view/report.h"
#include "cli/view/work.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/evaluate.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

struct EvalFlags {
  cli::ModelFlag model;
  std::string split = "test";
  int64_t limit = 0;
  std::string text;
  std::string questions;
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
    compute.visit(field);
    device.visit(field);
    plan.visit(field);
    format.visit(field);
  }
};

void print(const EvalFlags& options, Network& network, const Evaluation& evaluation,
           const std::vector<std::string>& classes, const cli::TaskWords& words, cli::Terminal& terminal) {
  const Table values = evaluation.table();
  const std::string& model = options.model.path("eval");
  if (options.format.format == "json") {
    return terminal.print(io::write_json(
        Table{
            {"model", model}, {"split", options.split}, {"n", evaluation.metrics.num_examples()}, {"metrics", values}},
        1));
  }
  if (options.format.format != "table") {
    cli::Rows rows{{"metric", "value"}, {}};
    for (const auto& [key, value] : values.entries()) rows.rows.push_back({key, value});
    return cli::print_rows(terminal, rows, options.format.format);
  }
  const auto& metrics = evaluation.metrics;
  const std::string examples = words.task == cli::Task::kImages ? "examples" : words.examples();
  terminal.print(fmt::format("{}  {} split, {} {}   accuracy {:.2f} %   loss {:.4f}{}", model, options.split,
                             with_commas(metrics.num_examples()), examples, 100 * metrics.accuracy(), metrics.loss(),
                             words.measure(metrics.loss())));
  cli::Rows rows{{"class", "accuracy %"}, {}};
  const auto by_class = metrics.accuracy_by_class();
  for (size_t y = 0; y < by_class.size() && y < classes.size(); ++y) {
    rows.rows.push_back({classes[y], std::isnan(by_class[y]) ? Value() : Value(100 * by_class[y])});
  }
  if (!classes.empty()) terminal.print(cli::table_text(rows));
  if (network.moe_layers().empty()) return;
  for (const auto& line : cli::routing_lines(profile_of(network, evaluation, nullptr), terminal.width()))
    terminal.print(line);
}

int read_file(const EvalFlags& options, const cli::Invocation& invocation) {
  if (!options.text.empty() && !options.questions.empty())
    throw ConfigError("eval: expected one of --text and --questions, got both");
  if (options.plan.dry_run) throw ConfigError("eval: --dry-run has no effect with --text and --questions");
  const auto model = load_model(options.model.path("eval"), {}, invocation.terminal.log());
  const auto tokenizer = cli::tokenizer_of(model.experiment);
  const cli::Reader reader{*model.network, *tokenizer, cli::longest_text(model.experiment)};
  const std::string& file = options.text.empty() ? options.questions : options.text;
  const std::string contents = io::read_maybe_compressed(file);
  cli::print_rows(
      invocation.terminal,
      options.text.empty() ? cli::question_rows(reader, contents, file) : cli::text_rows(reader, contents, file),
      options.format.format);
  return 0;
}

int run_eval(const EvalFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::device_of(options.device, invocation.environment);
  if (!options.text.empty() || !options.questions.empty()) return read_file(options, invocation);
  const std::string& path = options.model.path("eval");
  const auto [experiment, checkpoint, network] = load_model(path, {}, invocation.terminal.log());
  const auto dataset =
      make_dataset(experiment, cli::data_folders(options.compute, invocation.environment), invocation.terminal.log());
  const Split split = split_named(options.split);
  auto loading = loader_options(experiment, split);
  loading.shuffle = loading.augment = false;
  Loader loader(*dataset, split, loading);
  if (options.plan.dry_run) {
    const int64_t count = cli::num_examples_of(*dataset, split, options.limit);
    invocation.terminal.print(fmt::format("would evaluate {}, step {}, on the {} split; {}", path,
                                          with_commas(checkpoint.state.step), options.split,
                                          cli::work_text(*network, dataset->shape(), static_cast<double>(count))));
    invocation.terminal.say("nothing was done: --dry-run");
    return 0;
  }
  const auto evaluation = evaluate(
      *network, loader, {experiment.dtype(), options.limit, [&](int64_t done) {
                           invocation.terminal.progress(fmt::format("batch {}/{}", done, loader.num_batches()));
                           return true;
                         }});
  invocation.terminal.clear_progress();
  print(options, *network, evaluation, dataset->class_names(), cli::task_words(experiment, *network),
        invocation.terminal);
  return 0;
}

}  // namespace

CommandKind command_kind_eval() {
  return command_kind<EvalFlags>("evaluate a trained model on a split",
                                 "heterodyne eval runs/demo\nheterodyne eval runs/demo --split valid --format json\n"
                                 "heterodyne eval runs/demo --limit 1000\n"
                                 "heterodyne eval models/llama --text book.txt",
                                 run_eval);
}

}  // namespace heterodyne
