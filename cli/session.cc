#include "cli/session.h"

#include <fmt/format.h>

#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/metrics_log.h"

namespace heterodyne::cli {
namespace {

std::string folder_of(const SessionRequest& request, const Experiment& experiment) {
  return request.out.empty() ? (std::filesystem::path(request.runs) / experiment.options.name).string() : request.out;
}

std::string resumed_folder(const SessionRequest& request) {
  if (request.resume != kImpliedValue) return request.resume;
  if (!request.out.empty()) return request.out;
  if (request.config.empty())
    throw ConfigError("train --resume: expected a run's folder, or a configuration beside it");
  return folder_of(request, read_experiment(read_config(request.config, request.flags)));
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
  if (!conflict.empty()) throw ConfigError(fmt::format("{}: cannot resume: {}. New run: --out DIR", path, conflict));
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
  auto experiment = read_experiment(read_config(request.config, request.flags));
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
  refuse_conflict(path, read_experiment(saved).resolved, experiment.resolved,
                  CheckpointFolder(path + "/checkpoints").last());
  if (!checkpoint) {
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
  refuse_conflict(path, read_experiment(checkpoint->config).resolved, experiment.resolved, checkpoint->state.step);
  plan.state = checkpoint->state;
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
  const CheckpointFolder checkpoints(path + "/checkpoints");
  const auto last = checkpoints.last();
  const auto checkpoint = last ? std::optional(read_checkpoint(checkpoints.folder_of(*last))) : std::nullopt;
  return plan_resume(request, path, read_config(resolved, {}), checkpoint, log);
}

Session start_session(const SessionRequest& request, const Log& log) {
  auto plan = plan_start(request, log);
  auto folder = RunFolder::create(plan.folder, plan.experiment);
  return session_of(std::move(plan), std::move(folder));
}

Session resume_session(const SessionRequest& request, const Log& log) {
  const std::string path = resumed_folder(request);
  auto folder = RunFolder::open(path);
  const auto checkpoint = folder.newest_checkpoint(log);
  auto plan = plan_resume(request, path, folder.config(), checkpoint, log);
  if (checkpoint) load_checkpoint(*checkpoint, *plan.network, plan.optimizer.get());
  for (const char* name : {"metrics.jsonl", "experts.jsonl"}) cut_metrics(folder.file(name), plan.state.step);
  return session_of(std::move(plan), std::move(folder));
}

}  // namespace heterodyne::cli
