#include "heterodyne/train/phases.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/model/freeze.h"

namespace heterodyne {
namespace {

std::vector<std::string> frozen_at_first(const TrainOptions& options) {
  auto patterns = options.freeze;
  patterns.insert(patterns.end(), options.head.freeze.begin(), options.head.freeze.end());
  return patterns;
}

}  // namespace

std::vector<Phase> phases_of(const TrainOptions& options, int64_t steps_per_epoch, double lr) {
  const auto steps = [&](double epochs) {
    return static_cast<int64_t>(std::llround(epochs * static_cast<double>(steps_per_epoch)));
  };
  std::vector<Phase> phases;
  if (options.head.epochs > 0)
    phases.push_back({0, std::max<int64_t>(1, steps(options.head.epochs)), options.head.lr, frozen_at_first(options)});
  const int64_t first = phases.empty() ? 0 : phases[0].num_steps;
  phases.push_back({first, std::max<int64_t>(1, steps(options.epochs)), lr, options.freeze});
  return phases;
}

size_t phase_at(const std::vector<Phase>& phases, int64_t step) {
  size_t i = phases.size() - 1;
  while (i > 0 && step < phases[i].first_step) --i;
  return i;
}

void check_phases(const TrainOptions& options, const torch::nn::Module& network) {
  check_freeze(network, options.freeze, "freeze");
  if (options.head.epochs > 0) check_freeze(network, frozen_at_first(options), "head.freeze");
}

}  // namespace heterodyne
