#include "heterodyne/nn/rotary.h"

#include <ATen/ops/outer.h>

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

}  // namespace

torch::Tensor rotary_angles(const RotaryOptions& options) {
  const int64_t C = options.head_width;
  if (C % 2 != 0) throw ShapeError("nn.rotary", "head_width: expected an even number, got " + std::to_string(C));
  auto angle_C = torch::empty({C / 2}, torch::kFloat64);
  auto* angle = angle_C.mutable_data_ptr<double>();
  for (int64_t i = 0; i < C / 2; ++i) {
    angle[i] = std::pow(options.theta, -2.0 * static_cast<double>(i) / static_cast<double>(C));
    if (options.factor != 1) angle[i] = stretched(angle[i], options);
  }
  return angle_C;
}

Rotation rotation_of(const torch::Tensor& angle_C, int64_t first_position, int64_t S, torch::Dtype dtype) {
  const auto position_S = torch::arange(first_position, first_position + S, torch::kFloat64);
  const auto turn_SC = at::outer(position_S, angle_C);
  return {turn_SC.cos().to(dtype), turn_SC.sin().to(dtype)};
}

torch::Tensor rotated(const torch::Tensor& x_BSHC, const Rotation& rotation) {
  return ops::rotate(x_BSHC, rotation.cos_SC, rotation.sin_SC);
}

}  // namespace heterodyne::nn
