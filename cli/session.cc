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

void refuse_conflict(const RunFolder& folder, const Table& before, const Table& now) {
  const std::string& path = folder.path();
  const auto saved = folder.checkpoints().last();
  const std::string when = saved ? fmt::format(" when step {} was saved", with_commas(*saved)) : "";
  const std::string conflict = resume_conflict(before, now, when);
  if (!conflict.empty()) throw ConfigError(fmt::format("{}: cannot resume: {}. New run: --out DIR", path, conflict));
}

}  // namespace

Session start_session(const SessionRequest& request, const Log& log) {
  if (request.config.empty())
    throw ConfigError("train: expected a configuration file or a recipe. All recipes: heterodyne ls recipes");
  auto experiment = read_experiment(read_config(request.config, request.flags));
  const std::string path = folder_of(request, experiment);
  RunFolder::check_new(path);
  // A setting at fault shows before the data are read.
  make_network(experiment);
  // Data before the folder: a missing data set leaves nothing behind.
  auto dataset = make_dataset(experiment, request.data_folders, log);
  take_vocabulary(experiment, *dataset);
  auto network = make_network(experiment);
  const Loader fits(*dataset, Split::kTrain, loader_options(experiment, Split::kTrain));
  return {experiment,
          RunFolder::create(path, experiment),
          std::move(dataset),
          std::move(network),
          optimizers().make(experiment.options.train.optimizer),
          {}};
}

Session resume_session(const SessionRequest& request, const Log& log) {
  const std::string path = resumed_folder(request);
  auto folder = RunFolder::open(path);
  const Table saved = folder.config();
  auto experiment = resumed_experiment(request, saved);
  refuse_conflict(folder, read_experiment(saved).resolved, experiment.resolved);

  const auto checkpoint = folder.newest_checkpoint(log);
  if (checkpoint) experiment.vocabulary = checkpoint->vocabulary;
  auto dataset = make_dataset(experiment, request.data_folders, log);
  take_vocabulary(experiment, *dataset);
  auto network = make_network(experiment);
  auto optimizer = optimizers().make(experiment.options.train.optimizer);
  TrainState state;
  if (checkpoint) {
    refuse_conflict(folder, checkpoint->config, experiment.resolved);
    load_checkpoint(*checkpoint, *network, optimizer.get());
    state = checkpoint->state;
  } else {
    log.note(path + ": no checkpoint yet; starting from the beginning");
  }
  cut_metrics(folder.file("metrics.jsonl"), state.step);
  return {experiment,         std::move(folder),    std::move(dataset),
          std::move(network), std::move(optimizer), std::move(state)};
}

}  // namespace heterodyne::cli
