// Measures whole training steps of configurations in turns, and where the time of a step goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/bench/interleave.h"
#include "cli/bench/machine.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli {

struct ModelSubject {
  std::string name;
  const Experiment& experiment;
  const Dataset* dataset = nullptr;  // where batches come from; one random batch over and over when null
};

struct ModelResult {
  std::string name;
  int64_t num_params = 0;
  int64_t examples = 0;  // of a step: images, or tokens of a text
  bool is_text = false;
  double macs = 0;  // executed for a step forward, under even loads; the head of a language model included
  Timing timing;    // of the steps
  /// Share of the time of a step: "data", "forward", "backward", "optimizer", and "other" for the rest.
  std::map<std::string, double> phases;
  /// Forward and backward together: "router", "dispatch", "experts", "combine", "losses", "network" for what is in none
  /// of them; "optimizer", "data", "other".
  std::map<std::string, double> parts;
  double loss = 0;        // of the last step
  double peak_bytes = 0;  // what tensors took at most in a forward and backward pass, without the gradients
};

struct ModelBench {
  std::vector<ModelResult> models;
  MachineRates machine;
};

/// Times options.rounds steps of each, then some more with a profile, from which the shares are.
ModelBench measure_models(const std::vector<ModelSubject>& subjects, const InterleaveOptions& options);

/// One random batch of the experiment's data: the same for the same experiment.
Batch random_batch(const Experiment& experiment);

}  // namespace heterodyne::cli
