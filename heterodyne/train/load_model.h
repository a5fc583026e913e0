// TrainedModel: a network as a run left it, with the experiment it comes from. What every program needs that uses a
// model instead of training one.
#pragma once

#include <memory>
#include <string>

#include "heterodyne/base/log.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne {

struct TrainedModel {
  Experiment experiment;
  CheckpointInfo checkpoint;
  std::shared_ptr<Network> network;  // in eval mode, in the experiment's dtype
};

/// `model` is a run's folder (its best checkpoint) or a checkpoint's: see find_checkpoint(). `families` must hold the
/// kinds of the program's own that the run was made with. Throws FormatError when the folder is neither or is damaged,
/// ConfigError when its configuration names kinds or settings that this program does not know.
TrainedModel load_model(const std::string& model, const Families& families = {}, const Log& log = {});

/// Writes a checkpoint that has made no step: see checkpoint.h.
void save_model(const std::string& folder, const Experiment& experiment, Network& network);

}  // namespace heterodyne
