// Replay: steps of an optimizer that were put off while a tensor's gradient was zero, made up for in one pass over the
// tensor, however many they are. Where a step with a gradient is to follow, that pass may leave the moments to it.
#pragma once

#include <vector>

#include "heterodyne/base/torch.h"
#include "heterodyne/ops/steps/idle_steps.h"

namespace heterodyne::ops {

/// Whether a tensor can be given to the functions below: contiguous float32 or float64 on a CPU.
bool can_replay(const torch::Tensor& tensor);

struct AdamTensors {
  torch::Tensor parameter, mean, square;  // of one shape and dtype
  const IdleAdam* idle;
};
/// In place; `mean` and `square` are only read when `weights_only`. All must be can_replay(). float32 takes as many
/// terms of the series as its precision needs. The same bits for any number of threads.
void replay(const std::vector<AdamTensors>& tensors, bool weights_only);

struct AdamStepTensors {
  torch::Tensor parameter, gradient, mean, square;  // of one shape and dtype
  const AdamStep* step;
};
/// In place, but for the gradient; all must be can_replay(). The same bits for any number of threads.
void step(const std::vector<AdamStepTensors>& tensors);

struct LinearTensors {
  torch::Tensor parameter, buffer;  // of one shape and dtype
  const IdleLinear* idle;
};
void replay(const std::vector<LinearTensors>& tensors, bool weights_only);

}  // namespace heterodyne::ops
