#include "heterodyne/ops/steps/replay.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/ops/steps/replay_cpu.h"

namespace heterodyne::ops {
namespace {

constexpr int64_t kRange = 1 << 14;   // values of a task
constexpr double kWidth = 1.0 / 16;   // of a group, around its middle
constexpr double kNothing = 1e-15;    // of the largest step: left out
constexpr double kVanishing = 1e-30;  // a moment that shrank to this is zero, before it becomes slow to compute with

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

void IdleAdam::set_steps(const std::vector<double>& c_K, const std::vector<double>& a_K) {
  HETERODYNE_DCHECK(c_K.size() == a_K.size());
  groups.clear();
  if (mean_scale < kVanishing) mean_scale = 0;
  if (square_scale < kVanishing) square_scale = 0;
  double most = 0, most_by_root = 0;  // as steps are for v = 0 and for a large one
  for (size_t i = 0; i < c_K.size(); ++i) {
    most = std::max(most, c_K[i]);
    if (a_K[i] > 0) most_by_root = std::max(most_by_root, c_K[i] / a_K[i]);
  }
  const auto counts = [&](size_t i) {
    return c_K[i] > kNothing * most || (a_K[i] > 0 && c_K[i] / a_K[i] > kNothing * most_by_root);
  };
  for (size_t begin = 0; begin < c_K.size();) {
    double lowest = a_K[begin], highest = a_K[begin];
    size_t end = begin + 1;
    for (; end < c_K.size(); ++end) {
      const double low = std::min(lowest, a_K[end]), high = std::max(highest, a_K[end]);
      if (high - low > kWidth * (high + low)) break;
      lowest = low;
      highest = high;
    }
    Group group;
    group.root = (lowest + highest) / 2;
    bool is_needed = false;
    for (size_t i = begin; i < end; ++i) {
      if (!counts(i)) continue;
      is_needed = true;
      const double away = group.root > 0 ? a_K[i] / group.root - 1 : 0;
      group.width = std::max(group.width, std::abs(away));
      double term = c_K[i];
      for (double& q : group.series) {
        q += term;
        term *= -away;
      }
    }
    if (is_needed) groups.push_back(group);
    begin = end;
  }
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
