// heterodyne config show|check|cp|diff|schema|twin: look at a configuration without running it. Reads no data.
#include "heterodyne/base/config.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <tuple>

#include "cli/command.h"
#include "cli/config_diff.h"
#include "cli/conversion.h"
#include "cli/families.h"
#include "cli/output.h"
#include "cli/recipes.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/model/twin.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne {
namespace {

struct ConfigFlags {
  std::string action;
  std::vector<std::string> arguments;
  std::string as = "homogeneous";
  std::string match = "params";
  std::string out;
  cli::ConfigFlags settings;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field(
        "action", action,
        "show: every setting with its source; check: is it sound; cp RECIPE FILE: a copy to edit; diff A B: the "
        "settings that differ; schema: all settings there are; twin CONFIG or RUN: the same experiment with a network "
        "of another form and the same budget",
        one_of("show", "check", "cp", "diff", "schema", "twin"), positional(), required());
    field("arguments", arguments, "CONFIG, RECIPE FILE, or two of CONFIG or RUN to compare", positional());
    const bool is_twin = action == "twin";
    field("as", as, "twin: with equal experts, or dense, without a choice of experts", one_of("homogeneous", "dense"),
          effective_when(is_twin, "the action is not twin"));
    field("match", match, "twin: what is to be equal: parameters, executed MACs, or parameters that one token meets",
          one_of("params", "macs", "active"), effective_when(is_twin, "the action is not twin"));
    field("out", out, "where to write; the terminal by default", effective_when(is_twin, "the action is not twin"));
    settings.visit(field);
    format.visit(field);
  }
};

void expect_arguments(const ConfigFlags& options, size_t count, const std::string& form) {
  if (options.arguments.size() == count) return;
  throw ConfigError(
      fmt::format("config {}: expected {}, got {} arguments", options.action, form, options.arguments.size()));
}

Experiment experiment_of(const ConfigFlags& options) {
  expect_arguments(options, 1, "a configuration file or recipe");
  return cli::read_training(options.arguments[0], options.settings);
}

// "4 experts of 4 kinds (mlp, conv1d, vit_block, lstm_cell)"
std::string describe_experts(Network& network) {
  const auto layers = network.moe_layers();
  if (layers.empty()) return "no experts";
  int64_t num_experts = 0;
  std::vector<std::string> kinds;
  for (const MoeLayer* layer : layers) {
    num_experts += layer->num_experts();
    for (int64_t g = 0; g < layer->num_groups(); ++g) {
      if (std::find(kinds.begin(), kinds.end(), layer->group_kind(g)) == kinds.end())
        kinds.push_back(layer->group_kind(g));
    }
  }
  return fmt::format("{} experts of {} kind{} ({})", num_experts, kinds.size(), kinds.size() == 1 ? "" : "s",
                     join(kinds));
}

void check(const ConfigFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 1, "a configuration file or recipe");
  const Table config = cli::read_config(options.arguments[0], options.settings);
  if (cli::is_conversion(config)) {
    const auto conversion = cli::read_conversion(config);
    return terminal.print(fmt::format("{}: ok  a conversion by {} to {} experts a layer", options.arguments[0],
                                      conversion.partition.kind, conversion.experts));
  }
  const Experiment experiment = cli::read_training(options.arguments[0], options.settings);
  const auto network = checked_network(experiment);
  const int64_t examples = nominal_train_size(experiment), batch = loader_options(experiment, Split::kTrain).batch;
  const int64_t batches = (examples + batch - 1) / batch, accumulate = experiment.options.train.accumulate;
  const int64_t steps = (batches + accumulate - 1) / accumulate;
  const auto cost = even_cost(*network);
  if (options.format.format == "json") {
    const Table result{{"name", experiment.options.name}, {"params", num_params(*network)},
                       {"steps_per_epoch", steps},        {"examples", examples},
                       {"routed_macs", cost.routed.macs}, {"executed_macs", cost.executed.macs}};
    return terminal.print(io::write_json(result, 1));
  }
  std::string epoch;  // of a text that was not read nobody knows how long it is
  if (examples > 0)
    epoch = fmt::format("  {} steps/epoch (nominal, {} {})", with_commas(steps), with_commas(examples),
                        network_shape(experiment).is_text() ? "texts" : "images");
  terminal.print(fmt::format("{}: ok  {}  {} parameters{}", options.arguments[0], describe_experts(*network),
                             with_commas(num_params(*network)), epoch));
}

void copy(const ConfigFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 2, "a recipe and a file to write");
  const std::string& recipe = options.arguments[0];
  const std::string& file = options.arguments[1];
  if (std::filesystem::exists(file)) throw ConfigError(file + ": exists already; choose another name");
  const auto found = cli::recipes().find(recipe);
  // With settings of the line everything is checked and written out, each with its type.
  const bool has_settings = !options.settings.empty();
  const Table config = cli::read_config(recipe, options.settings);
  const bool stands_alone = found != cli::recipes().end() && found->second.find("\nbase = ") == std::string::npos;
  // A recipe with a base is written with what it takes from there, so that the copy needs no other file.
  const std::string text =
      stands_alone && !has_settings
          ? found->second
          : "# From " + recipe + ".\n" + write_toml(has_settings ? read_experiment(config).resolved : config);
  io::write_file(file, text);
  terminal.say(file + ": written. Next: heterodyne config check " + file);
}

// The whole configuration of a file, a recipe or a run's folder.
Table resolved_of(const std::string& config, const cli::ConfigFlags& flags) {
  const auto resolved = std::filesystem::path(config) / "resolved.toml";
  const bool is_run = std::filesystem::is_directory(config);
  if (is_run && !std::filesystem::exists(resolved))
    throw FormatError::in_file(config, "expected a run's folder: there is no resolved.toml in it");
  return read_experiment(cli::read_config(is_run ? resolved.string() : config, flags)).resolved;
}

void compare(const ConfigFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 2, "two configurations: files, recipes or folders of runs");
  cli::Rows rows{{"setting", options.arguments[0], options.arguments[1]}, {}};
  // As objects with keys of their own: the two may be called alike.
  if (options.format.format == "json") rows.columns = {"setting", "a", "b"};
  const auto found = cli::config_diff(resolved_of(options.arguments[0], options.settings),
                                      resolved_of(options.arguments[1], options.settings));
  for (const auto& [path, a, b] : found) rows.rows.push_back({path, a, b});
  if (found.empty() && options.format.format == "table") return terminal.say("no setting differs");
  cli::print_rows(terminal, rows, options.format.format);
}

// "+0.19 %" of a number against another.
std::string difference(double number, double against) {
  return fmt::format("{:+.2f} %", against > 0 ? 100 * (number / against - 1) : 0);
}

void twin(const ConfigFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 1, "a configuration file, a recipe or a run's folder");
  const Experiment experiment = read_experiment(resolved_of(options.arguments[0], options.settings));
  const auto make = [&](const Table& model) {
    Experiment other = experiment;
    other.options.model = Member(model);
    return make_network(other);
  };
  const TwinBudget budget = options.match == "params" ? TwinBudget::kParams
                            : options.match == "macs" ? TwinBudget::kMacs
                                                      : TwinBudget::kActive;
  const auto found = twin_of(*experiment.resolved.find("model")->if_table(),
                             options.as == "dense" ? TwinForm::kDense : TwinForm::kHomogeneous, budget, make);
  Table config = experiment.resolved;
  config.set("name", experiment.options.name + "-" + options.as);
  config.set("model", found.model);
  const auto original = network_budget(*make_network(experiment));
  const std::string title = fmt::format("{} twin of {}: hidden = {} in {}", options.as, options.arguments[0],
                                        with_commas(found.hidden), found.blocks);
  const std::string text = "# " + title + "\n" + write_toml(read_experiment(config).resolved);

  if (options.out.empty()) {
    terminal.print(text.substr(0, text.size() - 1));
  } else {
    if (std::filesystem::exists(options.out)) throw ConfigError(options.out + ": exists already; choose another name");
    io::write_file(options.out, text);
  }
  terminal.say(title);
  const std::tuple<TwinBudget, const char*> budgets[] = {{TwinBudget::kParams, "parameters"},
                                                         {TwinBudget::kMacs, "executed MACs of an example"},
                                                         {TwinBudget::kActive, "active parameters"}};
  for (const auto& [one, name] : budgets) {
    const double now = found.budget.of(one), before = original.of(one);
    terminal.say(fmt::format("  {}: {} against {}, {}{}", name, with_commas(std::llround(now)),
                             with_commas(std::llround(before)), difference(now, before),
                             one == budget ? "  (matched)" : ""));
  }
  if (!options.out.empty()) terminal.say(options.out + ": written. Next: heterodyne train " + options.out);
}

cli::Rows schema() {
  cli::Rows rows{{"where", "setting", "type", "default", "range", "meaning"}, {}};
  const auto add = [&](const std::string& where, const std::vector<FieldInfo>& fields) {
    for (const auto& f : fields) rows.rows.push_back({where, f.name, f.type, f.default_text, f.range, f.sentence});
  };
  add("", Schema::of<ExperimentOptions>().list());
  for (const auto& [plural, family] : cli::families()) {
    for (const auto& kind : family->names())
      add(family->name() + "." + kind, cli::fields_named(family->name() + "." + kind));
  }
  return rows;
}

int run_config(const ConfigFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  if (options.action == "check") {
    check(options, terminal);
  } else if (options.action == "cp") {
    copy(options, terminal);
  } else if (options.action == "diff") {
    compare(options, terminal);
  } else if (options.action == "twin") {
    twin(options, terminal);
  } else if (options.action == "schema") {
    expect_arguments(options, 0, "nothing more");
    cli::print_rows(terminal, schema(), options.format.format);
  } else {
    const Table resolved = experiment_of(options).resolved;
    const bool as_json = options.format.format == "json";
    terminal.print(as_json ? io::write_json(Value(resolved), 1) : write_toml(resolved, true));
  }
  return 0;
}

}  // namespace

CommandKind command_kind_config() {
  return command_kind<ConfigFlags>(
      "show, check, copy, compare or match configurations",
      "heterodyne config show cifar10/dmmoe\nheterodyne config cp cifar10/dmmoe "
      "my.toml\nheterodyne config check my.toml --set model.moe.router.k=1\nheterodyne config "
      "diff cifar10/dmmoe runs/mine\nheterodyne config twin cifar10/dmmoe --as dense --match macs --out "
      "my_dense.toml",
      run_config);
}

}  // namespace heterodyne
