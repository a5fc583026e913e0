// Session: a training run about to start or to go on: all that `heterodyne train` needs before the first step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/recipes.h"
#include "heterodyne/base/log.h"
#include "heterodyne/train/run_folder.h"
#include "heterodyne/train/transfer/start.h"

namespace heterodyne::cli {

struct SessionRequest {
  std::string config;  // a file or a recipe; may be empty when a run goes on
  std::string resume;  // the run's folder; kImpliedValue for the configuration's own
  std::string out;     // the run's folder; empty for the configuration's own
  ConfigFlags flags;
  std::vector<std::string> data_folders;
  std::string runs;  // where runs without a folder of their own go
};

struct Session {
  Experiment experiment;
  RunFolder folder;
  std::unique_ptr<Dataset> dataset;
  std::shared_ptr<Network> network;
  std::shared_ptr<Optimizer> optimizer;
  TrainState state;
  std::optional<StartReport> start = {};  // of a run that begins with values of another one
};

/// A session that has no folder yet.
struct SessionPlan {
  Experiment experiment;
  std::string folder;
  std::unique_ptr<Dataset> dataset;
  std::shared_ptr<Network> network;
  std::shared_ptr<Optimizer> optimizer;
  TrainState state;
  std::optional<StartReport> start = {};  // of a run that begins with values of another one
};

/// What start_session() or, when the request goes on with a run, resume_session() would begin with. Throws what they
/// do; writes nothing and locks nothing.
SessionPlan plan_session(const SessionRequest& request, const Log& log);

/// A new run in a new folder. Throws ConfigError, FormatError or DeviceError; no folder is left behind then.
Session start_session(const SessionRequest& request, const Log& log);

/// A run that goes on at its newest sound checkpoint, its metrics cut back to that step. Throws ConfigError when a
/// setting differs that may not (see resume_conflict()), FormatError or DeviceError as RunFolder does.
Session resume_session(const SessionRequest& request, const Log& log);

}  // namespace heterodyne::cli
