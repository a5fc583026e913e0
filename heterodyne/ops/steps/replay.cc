#include "heterodyne/ops/steps/replay.h"

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/ops/steps/replay_cpu.h"

namespace heterodyne::ops {
namespace {

constexpr int64_t kRange = 1 << 14;  // values of a task

// The ranges of all tensors, as tasks: run(tensor, first, size).
template <class Tensors, class Run>
void for_each_range(const std::vector<Tensors>& tensors, const Run& run) {
  struct Task {
    const Tensors* tensors;
    int64_t first, size;
  };
  std::vector<Task> tasks;
  for (const Tensors& each : tensors) {
    const int64_t count = each.parameter.numel();
    for (int64_t first = 0; first < count; first += kRange) {
      tasks.push_back({&each, first, std::min(kRange, count - first)});
    }
  }
  for_each_task(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
    const Task& task = tasks[static_cast<size_t>(i)];
    run(*task.tensors, task.first, task.size);
  });
}

template <class Scalar>
void replay_range(const AdamTensors& tensors, int64_t first, int64_t size, bool weights_only) {
  internal::replay_adam(
      internal::AdamRange<Scalar>{tensors.parameter.data_ptr<Scalar>() + first, tensors.mean.data_ptr<Scalar>() + first,
                                  tensors.square.data_ptr<Scalar>() + first, size},
      *tensors.idle, weights_only);
}

template <class Scalar>
void step_range(const AdamStepTensors& tensors, int64_t first, int64_t size) {
  internal::step_adam(
      internal::AdamRange<Scalar>{tensors.parameter.data_ptr<Scalar>() + first, tensors.mean.data_ptr<Scalar>() + first,
                                  tensors.square.data_ptr<Scalar>() + first, size},
      tensors.gradient.const_data_ptr<Scalar>() + first, *tensors.step);
}

template <class Scalar>
void replay_range(const LinearTensors& tensors, int64_t first, int64_t size, bool weights_only) {
  internal::replay_linear(internal::LinearRange<Scalar>{tensors.parameter.data_ptr<Scalar>() + first,
                                                        tensors.buffer.data_ptr<Scalar>() + first, size},
                          *tensors.idle, weights_only);
}

template <class Tensors>
void replay_all(const std::vector<Tensors>& tensors, bool weights_only) {
  for (const Tensors& each : tensors) HETERODYNE_DCHECK(can_replay(each.parameter));
  for_each_range(tensors, [&](const Tensors& each, int64_t first, int64_t size) {
    if (each.parameter.scalar_type() == torch::kFloat32) replay_range<float>(each, first, size, weights_only);
    else replay_range<double>(each, first, size, weights_only);
  });
}

}  // namespace

bool can_replay(const torch::Tensor& tensor) {
  const auto dtype = tensor.scalar_type();
  return tensor.device().is_cpu() && tensor.is_contiguous() && (dtype == torch::kFloat32 || dtype == torch::kFloat64);
}

void replay(const std::vector<AdamTensors>& tensors, bool weights_only) { replay_all(tensors, weights_only); }

void replay(const std::vector<LinearTensors>& tensors, bool weights_only) { replay_all(tensors, weights_only); }

void step(const std::vector<AdamStepTensors>& tensors) {
  for (const auto& each : tensors) HETERODYNE_DCHECK(can_replay(each.parameter) && can_replay(each.gradient));
  for_each_range(tensors, [&](const AdamStepTensors& each, int64_t first, int64_t size) {
    if (each.parameter.scalar_type() == torch::kFloat32) step_range<float>(each, first, size);
    else step_range<double>(each, first, size);
  });
}

}  // namespace heterodyne::ops
