#include "cli/session.h"

#include <fmt/format.h>

#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/run_record.h"
#include "heterodyne/train/metrics_log.h"

namespace heterodyne::cli {
namespace {

std::string folder_of(const SessionRequest& request, const Experiment& experiment) {
  return request.out.empty() ? (std::filesystem::path(request.runs) / experiment.options.name).string() : request.out;
}

std::string resumed_folder(const SessionRequest& request) {
  if (request.resume != kImpliedValue) {
    if (request.out.empty() || request.out == request.resume) return request.resume;
    throw ConfigError(
        fmt::format("train: --out {}: a run goes on in its own folder, {}. A new one like it: heterodyne "
                    "train {}/resolved.toml --out {}",
                    request.out, request.resume, request.resume, request.out));
  }
  if (!request.out.empty()) return request.out;
  if (request.config.empty())
    throw ConfigError("train --resume: expected a run's folder, or a configuration beside it");
  return folder_of(request, read_training(request.config, request.flags));
}

// The configuration of a run that goes on: as it was, or as the command line says now.
Experiment resumed_experiment(const SessionRequest& request, const Table& saved) {
  Table config = request.config.empty() ? saved : read_config(request.config, {});
  apply_flags(config, request.flags);
  return read_experiment(config);
}

void refuse_conflict(const std::string& path, const Table& before, const Table& now, std::optional<int64_t> saved) {
  const std::string when = saved ? fmt::format(" when step {} was saved", with_commas(*saved)) : "";
  const std::string conflict = resume_conflict(before, now, when);
  if (conflict.empty()) return;
  throw ConfigError(
      fmt::format("{0}: cannot resume: {1}. New run: heterodyne train {0}/resolved.toml --out DIR with "
                  "these settings",
                  path, conflict));
}

// Data may still be others where nothing was trained: those of a model that was converted or imported.
Table with_data_of(Table config, const Table& other) {
  if (const Value* data = other.find("data")) config.set("data", *data);
  return config;
}

// A run that ended, or was interrupted, has saved something; to begin it again would overwrite the record of it.
void refuse_lost_checkpoints(const std::string& path) {
  const std::string state = read_run(path).state;
  if (state != "done" && state != "interrupted") return;
  throw FormatError::in_file(path + "/checkpoints",
                             fmt::format("expected checkpoints of a run that is {}, found none. To train it again: "
                                         "heterodyne train {}/resolved.toml --out DIR",
                                         state, path));
}

// A run cannot end before the step that it is at.
void refuse_past_end(const SessionPlan& plan) {
  const Trainer trainer({plan.experiment, *plan.dataset, *plan.network, *plan.optimizer, {}, nullptr, {}}, plan.state);
  const TrainPlan& steps = trainer.plan();
  if (steps.num_steps >= plan.state.step) return;
  throw ConfigError(fmt::format("{}: cannot resume: train.epochs: {:g} epochs end at step {}, and step {} is done",
                                plan.folder, steps.num_epochs, with_commas(steps.num_steps),
                                with_commas(plan.state.step)));
}

// What a run has before its first step.
SessionPlan plan_beginning(Experiment experiment, const std::string& path, const SessionRequest& request,
                           const Log& log) {
  const auto source = start_source(experiment, {}, log);
  if (source) take_start_vocabulary(experiment, *source);
  auto dataset = make_dataset(experiment, request.data_folders, log);
  take_vocabulary(experiment, *dataset);
  auto network = make_network(experiment);
  auto optimizer = optimizers().make(experiment.options.train.optimizer);
  std::optional<StartReport> start;
  if (source) start = start_from(*network, experiment.options.train.start, *source);
  return {std::move(experiment), path, std::move(dataset), std::move(network), std::move(optimizer), {}, start};
}

SessionPlan plan_start(const SessionRequest& request, const Log& log) {
  if (request.config.empty())
    throw ConfigError("train: expected a configuration file or a recipe. All recipes: heterodyne ls recipes");
  auto experiment = read_training(request.config, request.flags);
  const std::string path = folder_of(request, experiment);
  RunFolder::check_new(path);
  // A setting at fault shows before the data are read.
  make_network(experiment);
  // Data before the folder: a missing data set leaves nothing behind.
  auto plan = plan_beginning(std::move(experiment), path, request, log);
  const Trainer fits({plan.experiment, *plan.dataset, *plan.network, *plan.optimizer, {}, nullptr, {}}, {});
  return plan;
}

// `checkpoint` is the run's newest, nothing before the first was saved.
SessionPlan plan_resume(const SessionRequest& request, const std::string& path, const Table& saved,
                        const std::optional<CheckpointInfo>& checkpoint, const Log& log) {
  auto experiment = resumed_experiment(request, saved);
  const bool is_untrained = checkpoint && checkpoint->state.step == 0;
  const auto conflicts = [&](const Table& config, std::optional<int64_t> step) {
    const Table before = read_experiment(config).resolved;
    refuse_conflict(path, is_untrained ? with_data_of(before, experiment.resolved) : before, experiment.resolved, step);
  };
  conflicts(saved, CheckpointFolder(path + "/checkpoints").last());
  if (!checkpoint) {
    refuse_lost_checkpoints(path);
    log.note(path + ": no checkpoint yet; starting from the beginning");
    return plan_beginning(std::move(experiment), path, request, log);
  }
  experiment.vocabulary = checkpoint->vocabulary;
  experiment.tokenizer_config = checkpoint->tokenizer_config;
  auto dataset = make_dataset(experiment, request.data_folders, log);
  take_vocabulary(experiment, *dataset);
  SessionPlan plan{experiment,
                   path,
                   std::move(dataset),
                   make_network(experiment),
                   optimizers().make(experiment.options.train.optimizer),
                   {}};
  conflicts(checkpoint->config, checkpoint->state.step);
  plan.state = checkpoint->state;
  load_checkpoint(*checkpoint, *plan.network, plan.optimizer.get());
  refuse_past_end(plan);
  return plan;
}

Session session_of(SessionPlan plan, RunFolder folder) {
  return {std::move(plan.experiment), std::move(folder),     std::move(plan.dataset), std::move(plan.network),
          std::move(plan.optimizer),  std::move(plan.state), std::move(plan.start)};
}

}  // namespace

SessionPlan plan_session(const SessionRequest& request, const Log& log) {
  if (request.resume.empty()) return plan_start(request, log);
  const std::string path = resumed_folder(request), resolved = path + "/resolved.toml";
  if (!std::filesystem::exists(resolved))
    throw FormatError::in_file(path, "expected a run's folder: there is no resolved.toml in it");
  return plan_resume(request, path, read_config(resolved, {}), newest_checkpoint(path, log), log);
}

Session start_session(const SessionRequest& request, const Log& log) {
  auto plan = plan_start(request, log);
  auto folder = RunFolder::create(plan.folder, plan.experiment);
  return session_of(std::move(plan), std::move(folder));
}

Session resume_session(const SessionRequest& request, const Log& log) {
  const std::string path = resumed_folder(request);
  auto folder = RunFolder::open(path);
  auto plan = plan_resume(request, path, folder.config(), newest_checkpoint(path, log), log);
  // A process that was killed amid a save may have left the names of the last and the best behind.
  const auto& state = plan.state;
  if (state.step > 0) {
    const auto best = state.best ? std::optional(state.best->step) : std::nullopt;
    folder.checkpoints().name(state.step, best);
  }
  for (const char* name : {"metrics.jsonl", "experts.jsonl"}) cut_metrics(folder.file(name), plan.state.step);
  return session_of(std::move(plan), std::move(folder));
}

}  // namespace heterodyne::cli
