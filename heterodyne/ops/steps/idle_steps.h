// Idle steps: those of an optimizer that were put off while a tensor's gradient was zero, and the step that follows
// them, as numbers, for replay.h and its kernels.
//
// Letters: K steps that were put off.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace heterodyne::ops {

/// K steps of Adam (Kingma and Ba 2015, algorithm 1) without a gradient. The moments only shrink, so
///   p <- decay p - m sum_i c_i / (a_i sqrt(v) + eps),   m <- mean_scale m,   v <- square_scale v.
/// The a_i change slowly. Those within a sixteenth of their middle a share one division: with r = 1 / (a sqrt(v) +
/// eps), u = 1 - eps r and a_i = a (1 + d_i)
///   sum_i c_i / (a_i sqrt(v) + eps) = r sum_i c_i / (1 + d_i u) = r sum_j u^j q_j,   q_j = sum_i c_i (-d_i)^j.
struct IdleAdam {
  static constexpr size_t kTerms = 13;  // of the series: 16^-13 is below the precision of float64
  struct Group {
    double root = 0;   // a
    double width = 0;  // largest |d_i|
    std::array<double, kTerms> series{};
  };
  std::vector<Group> groups;
  double decay = 1, mean_scale = 1, square_scale = 1, eps = 0;

  /// Fills `groups` from c_K and a_K, both not negative, without the steps that are lost in the rounding of the
  /// largest. Scales too small to matter become 0.
  void set_steps(const std::vector<double>& c_K, const std::vector<double>& a_K);
};

/// A step of Adam with a gradient g, whose moments first shrink by those of K idle steps that the parameter has taken:
///   m <- beta1 mean_scale m + (1 - beta1) g,   v <- beta2 square_scale v + (1 - beta2) g^2,
///   p <- decay p - rate m / (root_scale sqrt(v) + eps)
/// where rate and root_scale hold the bias corrections.
struct AdamStep {
  double mean_scale = 1, square_scale = 1;
  double beta1 = 0, beta2 = 0, eps = 0;
  double decay = 1, rate = 0, root_scale = 1;
};

/// K steps of a rule that is linear in a parameter p and its buffer b:
///   p <- pp p + pb b,   b <- bp p + bb b
struct IdleLinear {
  double pp = 1, pb = 0, bp = 0, bb = 1;
};

}  // namespace heterodyne::ops
