// heterodyne bench WHAT: times a layer, a training step or the way of the rows, all that is compared in turns in one
// process.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/bench/layer_report.h"
#include "cli/bench/measure_decode.h"
#include "cli/bench/measure_dispatch.h"
#include "cli/bench/measure_growth.h"
#include "cli/bench/measure_text.h"
#include "cli/bench/model_report.h"
#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/recipes.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"

namespace heterodyne {
namespace {

struct BenchFlags {
  std::string what;
  std::vector<std::string> names;
  std::string vs = "all";
  std::string shapes;
  double fail_over = 0;
  int64_t rounds = 30;
  bool real_data = false;
  std::string out;
  cli::ConfigFlags settings;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("what", what,
          "layer: an MoE layer against dense and plain ones. model: whole training steps of configurations. dispatch: "
          "routers, the sorting of rows, their way to the experts and back. growth: experts that come and go. decode: "
          "layers or language models on few tokens, in float32 and with compact weights, against the speed of memory",
          one_of("layer", "model", "dispatch", "growth", "decode"), positional(), required());
    field("names", names,
          "ids of shapes, all by default; of `model`: configurations, the first compared with the others; of `decode` "
          "also language models: configurations, folders of runs or of checkpoints",
          positional());
    field("vs", vs, "what a layer is compared with: all, or dense layers alone, which is quicker",
          one_of("all", "dense"));
    field("shapes", shapes, "a file of shapes, TOML or JSON, or the name of a set that the program holds");
    field("fail_over", fail_over,
          "exit 4 when a layer takes more than so many times as long as the best dense one; 0: never", at_least(0));
    field("rounds", rounds, "turns that each thing is timed in", between(1, 100000));
    field("real_data", real_data, "`model` reads its data instead of one random batch");
    field("out", out, "where to write; bench.json in this folder");
    settings.visit(field);
    compute.visit(field);
    device.visit(field);
    format.visit(field);
  }

  cli::InterleaveOptions interleave() const {
    cli::InterleaveOptions options;
    options.rounds = rounds;
    return options;
  }
};

Table context_of(const cli::Invocation& invocation) {
  Table context = cli::environment_table(invocation.environment);
  context.set("num_threads", static_cast<int64_t>(at::get_num_threads()));
  return context;
}

// Prints as asked, and writes bench.json.
void deliver(const BenchFlags& options, const cli::Invocation& invocation, const Rows& rows, const Array& points) {
  const Table whole{{"bench", options.what}, {"environment", context_of(invocation)}, {"points", points}};
  if (!options.out.empty()) {
    std::error_code ignored;  // writing says what is wrong
    std::filesystem::create_directories(options.out, ignored);
    io::write_file(options.out + "/bench.json", cli::json_text(whole) + "\n");
  }
  if (options.format.format == "json") invocation.terminal.print(cli::json_text(whole));
  else cli::print_rows(invocation.terminal, rows, options.format.format);
}

std::vector<cli::LayerShape> chosen_shapes(const BenchFlags& options, const std::string& set) {
  const auto all = cli::read_shapes(options.shapes.empty() ? set : options.shapes);
  if (options.names.empty()) return all;
  std::vector<cli::LayerShape> chosen;
  for (const auto& name : options.names) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& shape) { return shape.id == name; });
    if (found == all.end()) {
      std::vector<std::string> ids;
      for (const auto& shape : all) ids.push_back(shape.id);
      throw ConfigError(fmt::format("bench {}: expected shapes of {}, got \"{}\"", options.what, join(ids), name));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

int bench_layer(const BenchFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  const auto shapes = chosen_shapes(options, "layer");
  const auto all = cli::read_shapes(options.shapes.empty() ? "layer" : options.shapes);
  std::vector<cli::LayerResult> results;
  for (const auto& shape : shapes) {
    terminal.progress(shape.id);
    const auto base =
        std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.id == shape.per_flop_of; });
    results.push_back(
        cli::measure_layer(shape, base == all.end() ? nullptr : &*base, {options.interleave(), options.vs == "all"}));
    terminal.clear_progress();
    if (options.format.format != "table") continue;
    terminal.print(cli::headline(results.back()));
    terminal.print("  " + cli::machine_line(results.back().passes.back().machine));
  }
  deliver(options, invocation, cli::layer_rows(results), cli::layer_objects(results));
  const auto over = options.fail_over > 0 ? cli::over_limit(results, options.fail_over) : std::vector<std::string>();
  if (over.empty()) return 0;
  throw CheckError(fmt::format("bench layer: expected at most {} times the best dense layer, got {}",
                               shortest(options.fail_over), join(over)));
}

int bench_model(const BenchFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  if (options.names.empty())
    throw ConfigError("bench model: expected a configuration file or a recipe. All recipes: heterodyne ls recipes");
  std::vector<Experiment> experiments;
  std::vector<std::unique_ptr<Dataset>> datasets;
  for (const auto& name : options.names) experiments.push_back(cli::read_training(name, options.settings));
  std::vector<cli::ModelSubject> subjects;
  for (size_t i = 0; i < experiments.size(); ++i) {
    if (options.real_data) {
      datasets.push_back(
          make_dataset(experiments[i], cli::data_folders(options.compute, invocation.environment), terminal.log()));
      take_vocabulary(experiments[i], *datasets.back());
    }
    subjects.push_back({options.names[i], experiments[i], options.real_data ? datasets.back().get() : nullptr});
  }
  const auto bench = cli::measure_models(subjects, options.interleave());
  const bool is_table = options.format.format == "table";
  for (const auto& model : bench.models) {
    if (is_table) terminal.print(cli::model_line(model, bench.machine));
  }
  if (is_table) terminal.print(cli::machine_line(bench.machine));
  deliver(options, invocation, bench.models.size() > 1 ? cli::model_rows(bench) : cli::part_rows(bench),
          cli::model_objects(bench));
  return 0;
}

int bench_dispatch(const BenchFlags& options, const cli::Invocation& invocation) {
  std::vector<cli::DispatchResult> results;
  for (const auto& shape : chosen_shapes(options, "router")) {
    invocation.terminal.progress(shape.id);
    results.push_back(cli::measure_dispatch(shape, options.interleave()));
    invocation.terminal.clear_progress();
  }
  deliver(options, invocation, cli::dispatch_rows(results), cli::dispatch_objects(results));
  return 0;
}

int bench_growth(const BenchFlags& options, const cli::Invocation& invocation) {
  BenchFlags chosen = options;
  if (options.shapes.empty() && options.names.empty()) chosen.names = {"C2"};
  std::vector<cli::GrowthResult> results;
  for (const auto& shape : chosen_shapes(chosen, "layer"))
    results.push_back(cli::measure_growth(shape, options.interleave()));
  deliver(options, invocation, cli::growth_rows(results), cli::growth_objects(results));
  return 0;
}

// Language models where a name is none of a shape.
int bench_text(const BenchFlags& options, const cli::Invocation& invocation) {
  std::vector<cli::TextResult> results;
  for (const auto& name : options.names) {
    invocation.terminal.progress(name);
    if (std::filesystem::is_directory(name)) {
      if (!options.settings.empty())
        throw ConfigError("bench decode: " + name + ": a model's settings stay: expected no --set and no --seed");
      const auto load = [&] { return load_model(name, {}, invocation.terminal.log()); };
      const auto experiment = load().experiment;
      results.push_back(cli::measure_text(name, experiment, options.interleave(), [&] { return load().network; }));
    } else {
      const auto experiment = cli::read_training(name, options.settings);
      results.push_back(cli::measure_text(name, experiment, options.interleave()));
    }
    invocation.terminal.clear_progress();
  }
  deliver(options, invocation, cli::text_speed_rows(results), cli::text_speed_objects(results));
  return 0;
}

int bench_decode(const BenchFlags& options, const cli::Invocation& invocation) {
  const auto known = cli::read_shapes(options.shapes.empty() ? "decode" : options.shapes);
  const auto is_shape = [&](const std::string& name) {
    return std::any_of(known.begin(), known.end(), [&](const auto& shape) { return shape.id == name; });
  };
  if (!options.names.empty() && std::none_of(options.names.begin(), options.names.end(), is_shape))
    return bench_text(options, invocation);
  std::vector<cli::DecodeResult> results;
  for (const auto& shape : chosen_shapes(options, "decode")) {
    invocation.terminal.progress(shape.id);
    results.push_back(cli::measure_decode(shape, options.interleave()));
    invocation.terminal.clear_progress();
  }
  deliver(options, invocation, cli::decode_rows(results), cli::decode_objects(results));
  return 0;
}

int run_bench(const BenchFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::keep_freed_memory();
  cli::device_of(options.device, invocation.environment);
  if (options.what == "layer") return bench_layer(options, invocation);
  if (options.what == "growth") return bench_growth(options, invocation);
  if (options.what == "decode") return bench_decode(options, invocation);
  return options.what == "model" ? bench_model(options, invocation) : bench_dispatch(options, invocation);
}

}  // namespace

CommandKind command_kind_bench() {
  return command_kind<BenchFlags>("time a layer, a training step or the way of the rows",
                                  "heterodyne bench layer C2 --vs dense\nheterodyne bench layer --fail-over "
                                  "1.3\nheterodyne bench model lm/llama_moe "
                                  "lm/llama\nheterodyne bench dispatch --format json\nheterodyne bench decode "
                                  "D1-1\nheterodyne bench decode lm/llama_moe",
                                  run_bench);
}

}  // namespace heterodyne
