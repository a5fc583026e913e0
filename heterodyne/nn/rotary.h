// Rotary positions (Su et al. 2021, "RoFormer", equation 34): pairs of features are turned by an angle that grows with
// the position, so that a product of two rows depends on their distance. Feature i is paired with feature i + C / 2, as
// in LLaMA's published weights.
//
// Letters: B sequences, S tokens of a sequence, H heads, C features of a head.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

struct RotaryOptions {
  int64_t head_width = 0;  // C, even
  double theta = 10000;    // pair i turns by theta^(-2i / C) with each position
  // LLaMA 3.1's stretching for longer texts (Dubey et al. 2024, section 3.4.3): pairs that turn fewer than
  // `low_frequency` times in `original_length` positions are slowed by `factor`, those that turn more than
  // `high_frequency` times are left alone, between the two it goes over linearly. A factor of 1 changes nothing.
  double factor = 1;
  double low_frequency = 1;
  double high_frequency = 4;
  int64_t original_length = 8192;
  // YaRN's way instead (Peng et al. 2023, section 3.2): between the pairs that turn `high_frequency` and
  // `low_frequency` times it goes over linearly by the pair's number, and rotation_scale() is above 1.
  bool is_yarn = false;
  bool is_rounded = true;  // of YaRN: whether those two are whole numbers, the smaller and the larger next one
};

/// float64 [C / 2]: the angle by which each pair turns with one position. Throws ShapeError when C is odd.
torch::Tensor rotary_angles(const RotaryOptions& options);

/// What cosines and sines are multiplied by: 0.1 ln(factor) + 1 of YaRN (equation 22), otherwise 1.
double rotation_scale(const RotaryOptions& options);

struct Rotation {
  torch::Tensor cos_SC, sin_SC;  // [S, C / 2]
};

/// Of the positions first_position .. first_position + S - 1; `angle_C` as rotary_angles() gives it. Computed in
/// float64, then in `dtype`.
Rotation rotation_of(const torch::Tensor& angle_C, int64_t first_position, int64_t S, torch::Dtype dtype,
                     double scale = 1);

/// x_BSHC with its rows turned. Differentiable in x. Throws ShapeError unless S and C are those of the rotation.
torch::Tensor rotated(const torch::Tensor& x_BSHC, const Rotation& rotation);

}  // namespace heterodyne::nn
