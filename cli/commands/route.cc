// heterodyne route MODEL [DATA]: which experts a trained model's tokens go to, measured, shown and kept in a file.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/view/report.h"
#include "cli/view/report_data.h"
#include "cli/view/text_route.h"
#include "cli/view/work.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/measure_routing.h"
#include "heterodyne/eval/routing_file.h"
#include "heterodyne/train/run_folder.h"
#include "heterodyne/train/transfer/start.h"

namespace heterodyne {
namespace {

constexpr const char* kFileName = "routing.safetensors";

struct RouteFlags {
  std::string model;
  std::string examples = "test";
  bool knockout = false;
  bool similarity = false;
  bool random_control = false;
  bool before = false;
  bool latency = false;
  int64_t per_token = 1024;
  int64_t limit = 0;
  std::string out;
  cli::DtypeFlag dtype;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::DryRunFlag plan;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("model", model, "a run's folder (its best checkpoint) or a checkpoint's", positional(), required());
    field(
        "examples", examples,
        "a split: train, valid or test; or the test split of another data set's kind whose examples fit the model; or "
        "a text's file, of whose tokens the experts are shown",
        positional());
    field("knockout", knockout, "take each expert away once and measure the loss; one pass more for each expert");
    field("similarity", similarity, "compare the experts' answers to the same 2,048 tokens");
    field("random_control", random_control, "measure untrained routers beside the model's; one pass more");
    field("before", before,
          "measure the model as its training began, too, and say how the experts' shares changed; written beside the "
          "file, with -before in its name");
    field("latency", latency, "measure how long passes over one example and over a batch take, here and now");
    field("per_token", per_token, "keep the experts of so many tokens, the first", between(0, 10000000));
    field("limit", limit, "at most so many examples; 0: all", at_least(0));
    field("out", out,
          "where to write; routing.safetensors in the run's folder, or here without one, by default; of a text's "
          "file a page (*.html), or nothing");
    dtype.visit(field);
    compute.visit(field);
    device.visit(field);
    plan.visit(field);
    format.visit(field);
  }
};

struct Subject {
  std::string data;  // kind
  Split split = Split::kTest;
};

// What the second argument means: a split of the model's data, or another data set.
Subject subject_of(const std::string& examples, const Experiment& experiment) {
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest}) {
    if (examples == split_name(split)) return {experiment.options.data.kind, split};
  }
  auto names = datasets().names();
  if (std::find(names.begin(), names.end(), examples) != names.end()) return {examples, Split::kTest};
  names.insert(names.begin(), {"train", "valid", "test"});
  const std::string meant = nearest(examples, names);
  throw ConfigError("route", "examples",
                    fmt::format("expected one of {}, got \"{}\"{}", join(names), examples,
                                meant.empty() ? "" : "; nearest: " + meant));
}

DataShape shape_of(const Member& data) {
  return datasets().of(data).find(data.kind).shape(data.settings, {"data", "data." + data.kind});
}

std::string shape_text(const DataShape& shape) {
  return fmt::format("[{}, {}, {}] in {} classes", shape.channels, shape.height, shape.width, shape.num_classes);
}

// The experiment reading another data set, with that one's own defaults.
void use_data(const std::string& kind, Experiment& experiment) {
  Member& data = experiment.options.data;
  if (kind == data.kind) return;
  Table settings{{"kind", kind}};
  for (const char* shared : {"batch", "validation", "workers"}) {
    if (const Value* value = data.settings.find(shared)) settings.set(shared, *value);
  }
  const std::string expected = shape_text(shape_of(data));
  data = Member(settings);
  const std::string got = shape_text(shape_of(data));
  if (got != expected)
    throw ConfigError("route", "examples", fmt::format("{}: the model reads images {}, got {}", kind, expected, got));
}

// Nothing but an older routing profile is written over.
void check_target(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path)) return;
  try {
    if (!fs::is_directory(path)) read_routing(path);
  } catch (const FormatError&) {
    throw ConfigError("route", "out", path + ": exists and is no routing profile; another name: --out FILE");
  }
  if (fs::is_directory(path)) throw ConfigError("route", "out", path + ": expected a file's name, got a folder's");
}

// "routing.safetensors" to "routing-before.safetensors".
std::string before_target(const std::string& target) {
  const std::filesystem::path path(target);
  return (path.parent_path() / (path.stem().string() + "-before" + path.extension().string())).string();
}

// Where the file goes.
std::string target_of(const RouteFlags& options) {
  namespace fs = std::filesystem;
  const bool is_run = fs::exists(fs::path(options.model) / "resolved.toml");
  const std::string path = !options.out.empty() ? options.out
                           : is_run             ? (fs::path(options.model) / kFileName).string()
                                                : kFileName;
  check_target(path);
  if (options.before) check_target(before_target(path));
  return path;
}

RoutingProfile measure(const RouteFlags& options, const Experiment& experiment, Network& network,
                       const Dataset& dataset, Split split, cli::Terminal& terminal) {
  MeasureOptions what;
  what.dtype = experiment.dtype();
  what.seed = experiment.seed();
  what.num_examples = options.limit;
  what.num_sampled_tokens = options.per_token;
  what.knock_out = options.knockout;
  what.similarity = options.similarity;
  what.random_control = options.random_control;
  what.latency = options.latency;
  what.on_batch = [&](const std::string& pass, int64_t done) {
    terminal.progress(fmt::format("{}: batch {}", pass, with_commas(done)));
  };
  auto profile = measure_routing(network, dataset, split, loader_options(experiment, split), what);
  terminal.clear_progress();
  return profile;
}

// The network as its training began: first values of its configuration, and what it took over from another run.
std::shared_ptr<Network> network_before(const Experiment& experiment, const Log& log) {
  auto network = make_network(experiment);
  const auto source = start_source(experiment, {}, log);
  if (source) start_from(*network, experiment.options.train.start, *source);
  network->eval();
  return network;
}

// Each pass looks at every example once.
int64_t num_passes(const RouteFlags& options, Network& network) {
  int64_t passes = 1 + (options.random_control ? 1 : 0) + (options.similarity ? 1 : 0) + (options.before ? 1 : 0);
  for (const MoeLayer* layer : network.moe_layers()) passes += options.knockout ? layer->num_experts() : 0;
  return passes;
}

void show_plan(const RouteFlags& options, Network& network, const Dataset& dataset, Split split,
               const std::string& target, cli::Terminal& terminal) {
  const int64_t passes = num_passes(options, network), count = cli::num_examples_of(dataset, split, options.limit);
  terminal.print(
      fmt::format("would measure {} on the {} split in {} pass{} and write {}; {}", options.model, split_name(split),
                  passes, passes == 1 ? "" : "es", target,
                  cli::work_text(network, dataset.shape(), static_cast<double>(count) * static_cast<double>(passes))));
  terminal.say("nothing was done: --dry-run");
}

// `changes` since training began are empty where nobody asked; as CSV and Markdown they stand in the place of the rest.
void print(const RouteFlags& options, const RoutingProfile& profile, const Rows& changes, cli::Terminal& terminal) {
  const std::string& format = options.format.format;
  const bool has_changes = !changes.columns.empty();
  if (format == "json") {
    Table document = cli::routing_table(profile);
    if (has_changes) document.set("changes", cli::objects_of(changes));
    return terminal.print(cli::json_text(document));
  }
  if (format != "table") return cli::print_rows(terminal, has_changes ? changes : cli::routing_rows(profile), format);
  for (const auto& line : cli::routing_lines(profile, terminal.width())) terminal.print(line);
  if (has_changes) terminal.print(cli::table_text(changes));
}

// Measures only the routing, and keeps the profile.
RoutingProfile measure_before(const RouteFlags& options, const Experiment& experiment, const Dataset& dataset,
                              const Subject& subject, cli::Terminal& terminal) {
  RouteFlags plain = options;
  plain.knockout = plain.similarity = plain.random_control = plain.latency = false;
  const auto network = network_before(experiment, terminal.log());
  cli::use_dtype(options.dtype.dtype, *network, terminal);
  auto before = measure(plain, experiment, *network, dataset, subject.split, terminal);
  before.about = Table{{"model", options.model + ", before training"},
                       {"step", 0},
                       {"data", subject.data},
                       {"split", split_name(subject.split)}};
  return before;
}

// A text's file: its tokens with their experts, on the terminal and, where a page was asked for, in that.
int show_text(const RouteFlags& options, cli::Terminal& terminal) {
  if (options.knockout || options.similarity || options.random_control || options.before || options.latency ||
      options.limit > 0)
    throw ConfigError("route: " + options.examples +
                      ": expected a split or a data set's kind with --knockout, --similarity, --random-control, "
                      "--before, --latency or --limit, got a text's file");
  cli::show_routed_text(
      {options.model, options.examples, options.per_token, options.out, options.plan.dry_run, options.dtype.dtype},
      terminal);
  return 0;
}

int run_route(const RouteFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  cli::apply(options.compute, invocation);
  cli::device_of(options.device, invocation.environment);
  if (std::filesystem::is_regular_file(options.examples)) return show_text(options, terminal);
  const auto checkpoint = read_checkpoint(find_checkpoint(options.model, terminal.log()));
  auto experiment = experiment_of(checkpoint);
  const auto subject = subject_of(options.examples, experiment);
  const auto network = make_network(experiment);
  load_checkpoint(checkpoint, *network, nullptr);
  if (network->moe_layers().empty())
    throw ConfigError("route", "model",
                      options.model + ": expected a network with Mixture-of-Experts layers, it has none");
  const std::string target = target_of(options);
  use_data(subject.data, experiment);
  const auto dataset =
      make_dataset(experiment, cli::data_folders(options.compute, invocation.environment), terminal.log());
  if (dataset->size(subject.split) == 0)
    throw ConfigError("route", "examples", fmt::format("the {} split is empty", split_name(subject.split)));
  if (options.plan.dry_run) {
    show_plan(options, *network, *dataset, subject.split, target, terminal);
    return 0;
  }
  cli::use_dtype(options.dtype.dtype, *network, terminal);
  auto profile = measure(options, experiment, *network, *dataset, subject.split, terminal);
  profile.about = Table{{"model", options.model},
                        {"step", checkpoint.state.step},
                        {"data", subject.data},
                        {"split", split_name(subject.split)}};
  write_routing(target, profile);
  Rows changes;
  if (options.before) {
    const auto before = measure_before(options, experiment, *dataset, subject, terminal);
    write_routing(before_target(target), before);
    changes = cli::share_changes(before, profile);
  }
  print(options, profile, changes, terminal);
  terminal.say(fmt::format("{} examples of {}, {} split   wrote {}", with_commas(profile.num_examples), subject.data,
                           split_name(subject.split), target));
  return 0;
}

}  // namespace

CommandKind command_kind_route() {
  return command_kind<RouteFlags>(
      "measure which experts a trained model's tokens go to",
      "heterodyne route runs/demo\n"
      "heterodyne route runs/lm-llama-moe book.txt --out book.html\n"
      "heterodyne route runs/demo valid --knockout --similarity --random-control --latency\n"
      "heterodyne route runs/demo --before",
      run_route);
}

}  // namespace heterodyne
