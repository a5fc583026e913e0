// heterodyne train CONFIG: trains a model into a run's folder; with --resume goes on where a run stopped.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>

#include "cli/compute.h"
#include "cli/session.h"
#include "cli/stop.h"
#include "cli/view/profiler.h"
#include "cli/view/report.h"
#include "cli/view/report_files.h"
#include "cli/view/work.h"
#include "cli/watchers.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/base/version.h"
#include "heterodyne/train/index_log.h"

namespace heterodyne {
namespace {

struct TrainFlags {
  std::string config;
  std::string resume;
  std::string out;
  bool profile = false;
  cli::ConfigFlags settings;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::DryRunFlag plan;
  void visit(Fields& field) {
    field("config", config, "a configuration file, or a recipe of `heterodyne ls recipes`", positional());
    field("resume", resume, "go on with the run in this folder; without a value, with the configuration's own",
          optional_value());
    field("out", out, "where to write; runs/NAME by default");
    field("profile", profile,
          "at the end a table of where the time of the steps went, and trace.json in the run's folder for Chrome's "
          "trace viewer");
    settings.visit(field);
    compute.visit(field);
    device.visit(field);
    plan.visit(field);
  }

  cli::SessionRequest request(const cli::Invocation& invocation) const {
    return {
        config, resume, out, settings, cli::data_folders(compute, invocation.environment), invocation.environment.runs};
  }
};

// Two lines: what is trained, and on what.
std::vector<std::string> introduction(const std::string& folder, const Experiment& experiment, Network& network,
                                      const Dataset& dataset, const TrainPlan& plan) {
  const auto layers = network.moe_layers();
  std::string experts;
  if (!layers.empty())
    experts = fmt::format("{} of {} experts per token   ", layers[0]->router().max_choices(), layers[0]->num_experts());
  return {fmt::format("run {}   {} parameters, {}{}   cpu, {} thread{}   RNG seed {}   LibTorch {}", folder,
                      with_commas(num_params(network)), experts, experiment.options.train.dtype, at::get_num_threads(),
                      at::get_num_threads() == 1 ? "" : "s", experiment.seed(), torch_version()),
          fmt::format("data {} train / {} valid   batch {}   {} steps/epoch", with_commas(dataset.size(Split::kTrain)),
                      with_commas(dataset.size(Split::kValid)), loader_options(experiment, Split::kTrain).batch,
                      with_commas(plan.steps_per_epoch))};
}

// What the run came to: the best checkpoint's use of its experts, on the validation split.
void conclude(cli::Session& session, const TrainState& state, double seconds, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  std::string best = "no validation split";
  if (state.best) {
    const auto checkpoint = session.folder.checkpoints().best();
    if (checkpoint)
      load_checkpoint(read_checkpoint(session.folder.checkpoints().folder_of(*checkpoint)), *session.network, nullptr);
    Loader loader(*session.dataset, Split::kValid, loader_options(session.experiment, Split::kValid));
    RoutingRecorder recorder(*session.network,
                             recorder_options(*session.dataset, Split::kValid, session.experiment.seed()));
    const auto evaluation = evaluate(*session.network, loader, session.experiment.dtype(), &recorder);
    const int64_t step = checkpoint.value_or(state.step);
    const auto profile = profile_of(*session.network, evaluation, &recorder, Table{{"split", "valid"}, {"step", step}});
    RoutingRecord(session.folder.path(), false, terminal.log()).write(step, profile);
    if (!profile.layers.empty()) {
      for (const auto& line : cli::routing_lines(profile, terminal.width())) terminal.print(line);
    }
    best = fmt::format("best {} {:.4g} at step {}", session.experiment.options.train.checkpoint.best, state.best->value,
                       with_commas(state.best->step));
    if (step != state.best->step) best += fmt::format(", not saved; kept is step {}", with_commas(step));
  }
  std::string test = fmt::format("(test set untouched: heterodyne eval {})", session.folder.path());
  if (session.experiment.options.train.test_at_end) {
    Loader loader(*session.dataset, Split::kTest, loader_options(session.experiment, Split::kTest));
    const auto evaluation = evaluate(*session.network, loader, session.experiment.dtype());
    test = "test " + cli::score_text(evaluation.metrics);
    MetricsLog(session.folder.file("metrics.jsonl")).write("test", state.step, evaluation);
  }
  terminal.say(fmt::format("done in {}   {}   {}", cli::duration_text(seconds), best, test));
}

// Of the run as its folder now holds it. A run is done without one.
void write_report(const cli::Session& session, const cli::Invocation& invocation) {
  try {
    const std::string page = cli::default_page(session.folder.path());
    const auto input = cli::read_report_input({session.folder.path()}, invocation.environment.arguments);
    cli::write_page(make_report(input), page);
    invocation.terminal.say("report: " + page);
  } catch (const Error& error) {
    invocation.terminal.warn(std::string("no report: ") + error.what());
  }
}

int train(cli::Session& session, IndexLog& index, bool is_profiled, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  RunKeeper keeper(session.folder, session.experiment, terminal.log());
  cli::Watchers watchers(session, terminal);
  cli::Profiler profiler(is_profiled);
  auto hooks = watchers.hooks();
  hooks.push_back(&index);
  hooks.push_back(&profiler);
  Trainer trainer({session.experiment, *session.dataset, *session.network, *session.optimizer, hooks, &keeper,
                   cli::stop_requested, profiler.profile()},
                  session.state);
  for (const auto& line :
       introduction(session.folder.path(), session.experiment, *session.network, *session.dataset, trainer.plan()))
    terminal.say(line);

  cli::catch_stop_signals();
  const auto begin = std::chrono::steady_clock::now();
  session.folder.write_state("running");
  const TrainEnd end = trainer.run();
  profiler.conclude(session.folder, terminal);
  if (end == TrainEnd::kInterrupted) {
    session.folder.write_state("interrupted");
    const auto saved = session.folder.checkpoints().last();
    if (saved != trainer.state().step) {
      throw Error(fmt::format("interrupted at step {}, which could not be saved; {}", with_commas(trainer.state().step),
                              saved ? fmt::format("the last checkpoint is of step {}. Continue with: heterodyne train "
                                                  "--resume {}",
                                                  with_commas(*saved), session.folder.path())
                                    : "there is none yet"));
    }
    terminal.say(fmt::format("saved step {}.  Continue with: heterodyne train --resume {}",
                             with_commas(trainer.state().step), session.folder.path()));
    return cli::kInterrupted;
  }
  if (end == TrainEnd::kEarlyStop)
    terminal.say(fmt::format("no new best for {} validations: ended early", trainer.state().num_worse));
  conclude(session, trainer.state(), std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
           invocation);
  session.folder.write_state("done");
  write_report(session, invocation);
  return 0;
}

// A run that goes on unchanged keeps its file, which says where each setting came from at first.
void write_resolved(const cli::Session& session) {
  const Table& resolved = session.experiment.resolved;
  if (write_toml(session.folder.config()) == write_toml(resolved)) return;
  session.folder.write_file("resolved.toml", write_toml(resolved, true));
}

// What a run that began with another's values took over: said, and kept as start.json.
void tell_start(const cli::Session& session, cli::Terminal& terminal) {
  if (!session.start) return;
  terminal.say("start: " + session.start->text());
  session.folder.write_file("start.json", session.start->json());
}

// What --dry-run prints: all that is known before the first step.
int show_plan(const cli::SessionRequest& request, cli::Terminal& terminal) {
  auto session = cli::plan_session(request, terminal.log());
  const Trainer trainer({session.experiment, *session.dataset, *session.network, *session.optimizer, {}, nullptr, {}},
                        session.state);
  const TrainPlan& plan = trainer.plan();
  for (const auto& line : introduction(session.folder, session.experiment, *session.network, *session.dataset, plan))
    terminal.print(line);
  const int64_t left = std::max<int64_t>(0, plan.num_steps - plan.first_step);
  terminal.print(fmt::format("would train {} step{}{}, to step {} at the end of {:g} epochs", with_commas(left),
                             left == 1 ? "" : "s",
                             plan.first_step > 0 ? " from step " + with_commas(plan.first_step) : "",
                             with_commas(plan.num_steps), plan.num_epochs));
  if (session.start) terminal.print("would start with " + session.start->text());
  const double epochs = plan.num_epochs * static_cast<double>(left) / static_cast<double>(plan.num_steps);
  const double examples = epochs * static_cast<double>(session.dataset->size(Split::kTrain));
  terminal.print(cli::work_text(*session.network, session.dataset->shape(), examples) +
                 "; backward passes and validations come on top");
  terminal.say("nothing was done: --dry-run");
  return 0;
}

// What the terminal says, as lines of a file too, as long as it lives.
class LogCopy {
 public:
  LogCopy(cli::Terminal& terminal, const std::string& path) : terminal_(terminal), file_(path) {
    terminal_.set_copy([this](const std::string& lines) { add(lines); });
  }
  ~LogCopy() { terminal_.set_copy({}); }
  LogCopy(const LogCopy&) = delete;
  LogCopy& operator=(const LogCopy&) = delete;

  void add(const std::string& lines) {
    for (const auto& line : split(lines, '\n')) file_.append_line(line);
  }

 private:
  cli::Terminal& terminal_;
  io::AppendFile file_;
};

int run_train(const TrainFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::keep_freed_memory();
  cli::device_of(options.device, invocation.environment);
  const auto request = options.request(invocation);
  const Log talk = invocation.terminal.log();
  if (options.plan.dry_run) return show_plan(request, invocation.terminal);
  auto session = options.resume.empty() ? cli::start_session(request, talk) : cli::resume_session(request, talk);
  write_resolved(session);
  session.folder.write_file("environment.json", cli::environment_json(invocation.environment));
  LogCopy log(invocation.terminal, session.folder.file("log.txt"));
  tell_start(session, invocation.terminal);
  IndexLog index(session.folder, invocation.environment.runs, talk);
  try {
    const int code = train(session, index, options.profile, invocation);
    index.finish();
    return code;
  } catch (const std::exception& error) {
    // A full disk may be what it failed of, the log's too; what happened first is told.
    invocation.terminal.set_copy({});
    const auto attempt = [&](const auto& last) {
      try {
        last();
      } catch (const Error& also) {
        invocation.terminal.warn(also.what());
      }
    };
    attempt([&] { session.folder.write_state("failed"); });
    attempt([&] { log.add(std::string("error: ") + error.what()); });
    attempt([&] { index.finish(); });
    throw;
  }
}

}  // namespace

CommandKind command_kind_train() {
  return command_kind<TrainFlags>(
      "train a model into a run's folder, or go on with a run",
      "heterodyne train cifar10/dmmoe\nheterodyne train my.toml --out runs/mine --set "
      "train.epochs=5\nheterodyne train --resume runs/mine\nheterodyne train demo --dry-run",
      run_train);
}

}  // namespace heterodyne
