#include "heterodyne/nn/rotary.h"

#include <ATen/ops/outer.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/rows/rotate.h"

namespace heterodyne::nn {
namespace {

double stretched(double angle, const RotaryOptions& options) {
  const double turns = angle * static_cast<double>(options.original_length) / (2 * std::numbers::pi);
  if (turns > options.high_frequency) return angle;
  if (turns < options.low_frequency) return angle / options.factor;
  const double kept = (turns - options.low_frequency) / (options.high_frequency - options.low_frequency);
  return (1 - kept) * angle / options.factor + kept * angle;
}

// The number of the pair, not whole, that turns so often in original_length positions.
double pair_of_turns(double turns, const RotaryOptions& options) {
  const double period = static_cast<double>(options.original_length) / (turns * 2 * std::numbers::pi);
  return static_cast<double>(options.head_width) * std::log(period) / (2 * std::log(options.theta));
}

double stretched_by_number(double angle, int64_t pair, const RotaryOptions& options) {
  double first = pair_of_turns(options.high_frequency, options), last = pair_of_turns(options.low_frequency, options);
  if (options.is_rounded) first = std::floor(first), last = std::ceil(last);
  first = std::max(first, 0.0);
  last = std::min(last, static_cast<double>(options.head_width - 1));
  const double span = first == last ? 0.001 : last - first;
  const double slowed = std::clamp((static_cast<double>(pair) - first) / span, 0.0, 1.0);
  return slowed * angle / options.factor + (1 - slowed) * angle;
}

}  // namespace

torch::Tensor rotary_angles(const RotaryOptions& options) {
  const int64_t C = options.head_width;
  if (C % 2 != 0) throw ShapeError("nn.rotary", "head_width: expected an even number, got " + std::to_string(C));
  auto angle_C = torch::empty({C / 2}, torch::kFloat64);
  auto* angle = angle_C.mutable_data_ptr<double>();
  for (int64_t i = 0; i < C / 2; ++i) {
    angle[i] = std::pow(options.theta, -2.0 * static_cast<double>(i) / static_cast<double>(C));
    if (options.factor != 1)
      angle[i] = options.is_yarn ? stretched_by_number(angle[i], i, options) : stretched(angle[i], options);
  }
  return angle_C;
}

double rotation_scale(const RotaryOptions& options) {
  return options.is_yarn && options.factor > 1 ? 0.1 * std::log(options.factor) + 1 : 1;
}

Rotation rotation_of(const torch::Tensor& angle_C, int64_t first_position, int64_t S, torch::Dtype dtype,
                     double scale) {
  const auto position_S = torch::arange(first_position, first_position + S, torch::kFloat64);
  const auto turn_SC = at::outer(position_S, angle_C);
  return {(turn_SC.cos() * scale).to(dtype), (turn_SC.sin() * scale).to(dtype)};
}

torch::Tensor rotated(const torch::Tensor& x_BSHC, const Rotation& rotation) {
  return ops::rotate(x_BSHC, rotation.cos_SC, rotation.sin_SC);
}

}  // namespace heterodyne::nn
