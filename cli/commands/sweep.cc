// heterodyne sweep CONFIG... --grid PATH=A,B: trains every configuration with every value, and compares the outcomes.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/comparison.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "cli/sweep/runner.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/run_list.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

struct SweepFlags {
  std::vector<std::string> configs;
  std::vector<std::string> grid;
  std::string out;
  int64_t jobs = 1;
  bool rerun_failed = false;
  cli::ConfigFlags settings;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::DryRunFlag plan;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("configs", configs, "configurations or recipes, or one file that describes a sweep", positional(),
          required());
    field("grid", grid,
          "PATH=VALUE,VALUE..., a setting and the values it takes, in the place of those that a file has; may be "
          "repeated");
    field("out", out, "where to write; runs/NAME of the sweep's file, otherwise runs/sweep");
    field("jobs", jobs, "runs at once, each a process of its own with one thread when there are several",
          between(1, 1024));
    field("rerun_failed", rerun_failed, "go on with runs that ended with an error, too");
    settings.visit(field);
    compute.visit(field);
    device.visit(field);
    plan.visit(field);
    format.visit(field);
  }
};

cli::SweepRequest request_of(const SweepFlags& options) {
  cli::SweepRequest request;
  const auto& configs = options.configs;
  if (std::any_of(configs.begin(), configs.end(), cli::is_sweep_file)) {
    if (configs.size() > 1) {
      throw ConfigError(fmt::format(
          "sweep: expected either configurations or one file that describes a sweep, got both: {}", join(configs)));
    }
    request = cli::read_sweep_file(configs[0]);
  } else {
    request.configs = configs;
  }
  request.flags.set.insert(request.flags.set.end(), options.settings.set.begin(), options.settings.set.end());
  request.flags.seed = options.settings.seed;
  std::vector<std::string> paths;
  for (const auto& text : options.grid) {
    auto axis = cli::parse_axis(text);
    if (std::find(paths.begin(), paths.end(), axis.path) != paths.end())
      throw ConfigError(
          fmt::format("--grid {0}: {1} is given twice; all its values in one: --grid {1}=A,B", text, axis.path));
    paths.push_back(axis.path);
    cli::set_axis(request.grid, std::move(axis));
  }
  return request;
}

std::vector<std::string> child_flags(const SweepFlags& options, const std::string& device) {
  std::vector<std::string> flags{"--no-progress", "--device", device};
  const auto& compute = options.compute;
  if (!compute.data.empty()) flags.insert(flags.end(), {"--data", compute.data});
  const int64_t threads = compute.threads == 0 && options.jobs > 1 ? 1 : compute.threads;
  if (threads > 0) flags.insert(flags.end(), {"--threads", std::to_string(threads)});
  if (compute.verbose) flags.emplace_back("--verbose");
  return flags;
}

// What was asked for; how far the runs are, their own folders say.
void write_plan(const cli::SweepJob& job, const std::vector<std::string>& command) {
  Array runs;
  for (const auto& run : job.runs) {
    runs.emplace_back(Table{
        {"folder", run.folder}, {"config", run.config}, {"settings", Array(run.settings.begin(), run.settings.end())}});
  }
  const Table plan{{"command", Array(command.begin(), command.end())}, {"runs", std::move(runs)}};
  io::write_file((fs::path(job.folder) / "sweep.json").string(), io::write_json(plan, 1) + "\n");
}

int show_plan(const SweepFlags& options, const cli::SweepJob& job, cli::Terminal& terminal) {
  cli::Rows rows{{"run", "state", "step", "config", "settings"}, {}};
  int64_t num_to_do = 0;
  for (const auto& run : job.runs) {
    const auto progress = cli::progress_of(run, (fs::path(job.folder) / run.folder).string());
    num_to_do += cli::is_to_do(progress.state, job.rerun_failed);
    rows.rows.push_back(
        {run.folder, cli::state_word(progress.state), progress.step, run.config, join(run.settings, " ")});
  }
  cli::print_rows(terminal, rows, options.format.format);
  terminal.say(fmt::format("would train {} of {} runs into {}; nothing was done: --dry-run", num_to_do, job.runs.size(),
                           job.folder));
  return 0;
}

// The outcomes of all runs that have recorded any, runs of one name as one row.
void print_outcomes(const SweepFlags& options, const cli::SweepJob& job, cli::Terminal& terminal) {
  std::vector<cli::OutcomeGroup> groups;
  for (const auto& run : job.runs) {
    const std::string path = (fs::path(job.folder) / run.folder).string();
    if (!fs::is_regular_file(path + "/resolved.toml")) continue;
    const auto record = read_run(path);
    if (record.metrics.empty()) continue;
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one[0].model == record.name; });
    if (group == groups.end()) group = groups.insert(groups.end(), cli::OutcomeGroup());
    group->push_back(cli::outcome_of(record, record.name));
  }
  if (!groups.empty()) {
    cli::print_rows(terminal, cli::comparison_rows(groups, options.format.format), options.format.format);
    terminal.say(fmt::format("curves and paired differences: heterodyne compare {}/* --group name --out {}.html",
                             job.folder, job.folder));
  }
}

int conclude(const cli::SweepEnd& end, const cli::SweepJob& job, cli::Terminal& terminal) {
  if (end.is_interrupted) {
    terminal.say("interrupted. The same line again goes on with what is left");
    return cli::kInterrupted;
  }
  if (end.failed.empty()) return 0;
  throw Error(fmt::format("sweep: {} of {} runs failed: {}. To try them again: the same line with --rerun-failed",
                          end.failed.size(), job.runs.size(), join(end.failed)));
}

int run_sweep(const SweepFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  cli::apply(options.compute, invocation);
  const std::string device = cli::device_of(options.device, invocation.environment);
  const auto request = request_of(options);
  const std::string name = request.name.empty() ? "sweep" : request.name;
  cli::SweepJob job;
  job.folder = options.out.empty() ? (fs::path(invocation.environment.runs) / name).string() : options.out;
  if (fs::exists(fs::path(job.folder) / "resolved.toml"))
    throw ConfigError(job.folder +
                      ": expected a folder for several runs, it is a run's own. Another folder: --out DIR");
  job.runs = cli::plan_sweep(request);
  job.child_flags = child_flags(options, device);
  job.jobs = options.jobs;
  job.rerun_failed = options.rerun_failed;
  if (options.plan.dry_run) return show_plan(options, job, terminal);
  // Everything that could be refused is, before there is a folder.
  for (const auto& run : job.runs) cli::progress_of(run, (fs::path(job.folder) / run.folder).string());
  std::error_code error;
  fs::create_directories(job.folder, error);
  if (error) throw DeviceError(job.folder + ": cannot be made: " + error.message());
  const io::FolderLock lock(job.folder);
  write_plan(job, invocation.environment.arguments);
  cli::catch_stop_signals();
  const auto end = cli::run_sweep(job, terminal);
  list_runs(invocation.environment.runs, {});  // which brings the index up to date
  print_outcomes(options, job, terminal);
  return conclude(end, job, terminal);
}

}  // namespace

CommandKind command_kind_sweep() {
  return command_kind<SweepFlags>("train configurations with every value of a grid, resumably",
                                  "heterodyne sweep synthetic/dmmoe --grid seed=1,2,3 --jobs 2\n"
                                  "heterodyne sweep my.toml cifar10/homogeneous --grid seed=1,2,3 --out runs/mix\n"
                                  "heterodyne sweep demo --grid model.moe.router.k=1,2 --set train.epochs=2 --dry-run\n"
                                  "heterodyne sweep mix.toml --rerun-failed",
                                  run_sweep);
}

}  // namespace heterodyne
