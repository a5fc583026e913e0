// heterodyne fewshot MODEL: what a model's features are worth where there are only a few labelled examples.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/recipes.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/load_model.h"
#include "heterodyne/train/transfer/few_shot.h"

namespace heterodyne {
namespace {

struct FewShotFlags {
  cli::ModelFlag model;
  std::string examples;
  std::string protocol = "episodes";
  int64_t way = 5;
  int64_t shot = 5;
  int64_t query = 15;
  int64_t episodes = 0;
  std::string split = "test";
  std::vector<std::string> methods;
  int64_t tune_steps = 100;
  double tune_lr = 1e-3;
  std::vector<std::string> freeze = {"layers.*.experts.*"};
  int64_t draw_seed = 0;
  bool untrained = false;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::DryRunFlag plan;
  cli::FormatFlag format;
  void visit(Fields& field) {
    const bool is_episodic = protocol == "episodes";
    model.visit(field);
    field("examples", examples,
          "a configuration or recipe whose data are used; by default those that the model was trained on",
          positional());
    field(
        "protocol", protocol,
        "episodes: small tasks from one split; balanced: so many examples of every class from the training split, and "
        "the whole of `split` to answer",
        one_of("episodes", "balanced"));
    field("way", way, "classes of an episode", at_least(2),
          effective_when(is_episodic, "protocol is not \"episodes\""));
    field("shot", shot, "labelled examples of each class", at_least(1));
    field("query", query, "examples of each class that an episode asks for", at_least(1),
          effective_when(is_episodic, "protocol is not \"episodes\""));
    field("episodes", episodes, "how many tasks are drawn; 0: 600 episodes, or 5 balanced draws", at_least(0));
    field("split", split, "which examples", one_of("train", "valid", "test"));
    field("methods", methods,
          "nearest_mean, linear_probe, fine_tune_frozen (all but what --freeze names), fine_tune, with commas between "
          "them; "
          "all by default",
          list_or_none());
    field("tune_steps", tune_steps, "steps of fine-tuning in each task", at_least(1));
    field("tune_lr", tune_lr, "learning rate of fine-tuning", more_than(0));
    field("freeze", freeze, "names of the parameters that fine_tune_frozen leaves as they are, '*' for any text",
          list_or_one());
    field("draw_seed", draw_seed, "which tasks are drawn", at_least(0));
    field("untrained", untrained, "the network with its first values in the place of the trained ones, as a control");
    compute.visit(field);
    device.visit(field);
    plan.visit(field);
    format.visit(field);
  }

  bool is_balanced() const { return protocol == "balanced"; }
  int64_t num_tasks() const { return episodes > 0 ? episodes : is_balanced() ? 5 : 600; }
};

std::string text_of(const DataShape& shape) {
  return shape.is_text() ? "texts" : fmt::format("images of [{}, {}, {}]", shape.channels, shape.height, shape.width);
}

// The experiment reading the data of another configuration, with its own vocabulary.
void use_data_of(const std::string& config, Experiment& experiment) {
  if (config.empty()) return;
  const auto other = read_experiment(cli::read_config(config, {}));
  const std::string expected = text_of(network_shape(experiment)), got = text_of(network_shape(other));
  if (expected != got)
    throw ConfigError("fewshot", "examples", fmt::format("{}: the model reads {}, got {}", config, expected, got));
  experiment.options.data = other.options.data;
  // How texts are cut is the model's, as its vocabulary is.
  for (const std::string key : {"tokenizer", "words"}) {
    const Value *own = experiment.resolved.find_path("data." + key), *theirs = other.resolved.find_path("data." + key);
    if (own && theirs) experiment.options.data.settings.set(key, *own);
  }
}

// Those that are asked for, with commas between them or one flag for each; all by default.
std::vector<std::string> chosen_methods(const std::vector<std::string>& asked) {
  const auto& known = few_shot_methods();
  std::vector<std::string> methods;
  for (const auto& some : asked) {
    for (auto& method : split(some, ',')) methods.push_back(std::move(method));
  }
  for (const auto& method : methods) {
    if (std::find(known.begin(), known.end(), method) != known.end()) continue;
    const std::string meant = nearest(method, known);
    throw ConfigError("fewshot", "methods",
                      fmt::format("expected some of {}, got \"{}\"{}", join(known), method,
                                  meant.empty() ? "" : "; nearest: " + meant));
  }
  return methods.empty() ? known : methods;
}

// Mean and half the 95 % interval, 1.96 s / sqrt(n), of shares, in percent.
struct Summary {
  double mean = 0;
  double half_interval = 0;
};

Summary percent_of(const std::vector<double>& shares) {
  const auto n = static_cast<double>(shares.size());
  double sum = 0, squares = 0;
  for (const double share : shares) sum += share;
  for (const double share : shares) squares += (share - sum / n) * (share - sum / n);
  constexpr double kNormal95 = 1.96;
  const double deviation = shares.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
  return {100 * sum / n, 100 * kNormal95 * deviation / std::sqrt(n)};
}

std::vector<Episode> tasks_of(const FewShotFlags& options, const Dataset& dataset) {
  const Split split = split_named(options.split);
  const auto seed = static_cast<uint64_t>(options.draw_seed);
  std::vector<Episode> tasks;
  const auto& names = dataset.class_names();
  if (names.empty()) throw ConfigError("fewshot", "examples", "expected examples with a class each, these have none");
  if (dataset.size(split) == 0)
    throw ConfigError("fewshot", "split", fmt::format("the {} split is empty", options.split));
  if (options.is_balanced() && split == Split::kTrain)
    throw ConfigError("fewshot", "split",
                      "expected valid or test: with the protocol \"balanced\" labelled examples are drawn from train");
  if (options.is_balanced()) {
    const auto train = dataset.labels(Split::kTrain), query = dataset.labels(split);
    for (int64_t i = 0; i < options.num_tasks(); ++i)
      tasks.push_back(balanced_draw(train, query, names, options.shot, seed, i));
    return tasks;
  }
  const EpisodeSampler sampler(dataset.labels(split), names, {options.way, options.shot, options.query, seed});
  for (int64_t i = 0; i < options.num_tasks(); ++i) tasks.push_back(sampler.draw(i));
  return tasks;
}

// Each method's result is told when it is there: those of tuning may be hours away.
Rows accuracies(const std::vector<std::string>& methods, FewShot& few_shot, const std::vector<Episode>& tasks,
                cli::Terminal& terminal) {
  Rows rows{{"method", "accuracy %", "+- 95 %", "tasks", "seconds"}, {}};
  for (const auto& method : methods) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<double> shares;
    for (size_t i = 0; i < tasks.size(); ++i) {
      shares.push_back(few_shot.accuracy(method, tasks[i], static_cast<int64_t>(i)));
      terminal.progress(fmt::format("{}: task {}/{}", method, i + 1, tasks.size()));
    }
    terminal.clear_progress();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const Summary summary = percent_of(shares);
    if (methods.size() > 1) terminal.say(fmt::format("{}: {:.2f} % in {:.1f} s", method, summary.mean, seconds));
    rows.rows.push_back({method, summary.mean, shares.size() > 1 ? Value(summary.half_interval) : Value(),
                         static_cast<int64_t>(shares.size()), seconds});
  }
  return rows;
}

int run_fewshot(const FewShotFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::keep_freed_memory();
  cli::device_of(options.device, invocation.environment);
  const auto methods = chosen_methods(options.methods);
  const std::string& path = options.model.path("fewshot");
  auto model = load_model(path, {}, invocation.terminal.log());
  use_data_of(options.examples, model.experiment);
  if (options.untrained) {
    // The vocabulary makes the shape, so the network is made as it was for the checkpoint, but for its values.
    model.network = make_network(experiment_of(model.checkpoint));
    model.network->eval();
  }
  const auto dataset = make_dataset(model.experiment, cli::data_folders(options.compute, invocation.environment),
                                    invocation.terminal.log());
  const Split split = split_named(options.split);
  FewShotOptions how;
  how.dtype = model.experiment.dtype();
  how.steps = options.tune_steps;
  how.lr = options.tune_lr;
  if (std::find(methods.begin(), methods.end(), "fine_tune_frozen") != methods.end()) how.freeze = options.freeze;
  how.seed = static_cast<uint64_t>(options.draw_seed);
  FewShot few_shot(*model.network, *dataset, options.is_balanced() ? Split::kTrain : split, split, how);
  const auto tasks = tasks_of(options, *dataset);
  const std::string about =
      fmt::format("{}{}  {}: {} tasks of {} classes, {} labelled examples of each, {} to answer", path,
                  options.untrained ? " (untrained)" : "", options.protocol, tasks.size(), tasks.front().classes.size(),
                  options.shot, with_commas(tasks.front().query.label_N.numel()));
  if (options.plan.dry_run) {
    invocation.terminal.print("would measure " + about);
    invocation.terminal.say("nothing was done: --dry-run");
    return 0;
  }
  invocation.terminal.say(about);
  cli::print_rows(invocation.terminal, accuracies(methods, few_shot, tasks, invocation.terminal),
                  options.format.format);
  return 0;
}

}  // namespace

CommandKind command_kind_fewshot() {
  return command_kind<FewShotFlags>("measure what a model's features are worth with a few labelled examples",
                                    "heterodyne fewshot runs/cifar10-dmmoe --way 5 --shot 5 --episodes 600\n"
                                    "heterodyne fewshot runs/text-imdb text/ag_news --protocol balanced --shot 20\n"
                                    "heterodyne fewshot runs/demo --methods nearest_mean,linear_probe --format json",
                                    run_fewshot);
}

}  // namespace heterodyne
