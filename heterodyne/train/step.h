// One optimizer step: forward and backward over a few batches, clip, update. Stops at the first value that is not a
// number.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/profile.h"
#include "heterodyne/layer/routing_stats.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne {

struct StepInput {
  std::vector<Batch> batches;  // one, or as many as gradients are accumulated over
  double lr = 0;
  double clip_norm = 0;                   // 0: no limit
  std::vector<torch::Tensor> carry = {};  // out of the step before
  Profile* profile = nullptr;             // where the time of the parts is written down, when set
};

struct StepResult {
  double loss = 0;                                         // the sum of all parts, averaged over the batches
  std::vector<std::pair<std::string, double>> loss_parts;  // "task" first, then the network's own
  int64_t num_examples = 0;                                // labels: tokens of a text
  int64_t num_correct = 0;
  double grad_norm = 0;
  RoutingStats routing;
  std::vector<torch::Tensor> carry = {};  // for the next step
  std::vector<Sums> sums = {};            // of each MoE layer, over the batches
};

/// Throws Error saying what is not finite, before anything is updated: "loss is NaN; first non-finite value: layers.0,
/// 17 of 4,096 rows", or "the gradient of head.weight is not finite". The network is in train mode.
StepResult train_step(Network& network, Optimizer& optimizer, const StepInput& input);

}  // namespace heterodyne
