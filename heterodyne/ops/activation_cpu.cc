#include "heterodyne/base/clones.h"
#include "heterodyne/ops/activation.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

struct Slope {
  float value, derivative;
};

// Where the derivative is not used the compiler leaves it out.
template <Activation A>
HETERODYNE_INLINE Slope slope_at(float x) {
  if constexpr (A == Activation::kRelu) {
    return {x < 0 ? 0.0F : x, x > 0 ? 1.0F : 0.0F};  // NaN stays
  } else if constexpr (A == Activation::kGelu) {
    const auto normal = normal_at(x);
    return {x * normal.cumulated, normal.cumulated + x * normal.density};
  } else if constexpr (A == Activation::kGeluTanh) {
    // 0.5 x (1 + tanh(u)) = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3)
    constexpr float kTwoRoots = 1.5957691216F, kCubic = 0.044715F;
    const float s = sigmoid(kTwoRoots * (x + kCubic * x * x * x));
    return {x * s, s + x * s * (1.0F - s) * kTwoRoots * (1.0F + 3 * kCubic * x * x)};
  } else {
    const float s = sigmoid(x);
    return {x * s, s + x * s * (1.0F - s)};
  }
}

// The rows of a panel do not overlap, which compilers cannot know: hence ivdep.
template <Activation A, bool kGated>
HETERODYNE_INLINE void forward(const HiddenPanel& panel, const float* bias, const float* multiplier_bias) {
  const int64_t W = panel.width;
  for (int64_t n = 0; n < panel.rows; ++n) {
    float* pre = panel.pre + n * panel.pre_stride;
    float* hidden = panel.hidden + n * panel.hidden_stride;
    if (bias != nullptr) {
      for (int64_t i = 0; i < W; ++i) pre[i] += bias[i];
    }
    if (kGated && multiplier_bias != nullptr) {
      for (int64_t i = 0; i < W; ++i) pre[W + i] += multiplier_bias[i];
    }
#pragma GCC ivdep
    for (int64_t i = 0; i < W; ++i) {
      const float value = slope_at<A>(pre[i]).value;
      hidden[i] = kGated ? value * pre[W + i] : value;
    }
  }
}

template <Activation A, bool kGated>
HETERODYNE_INLINE void backward(const HiddenPanel& panel, const HiddenGradient& gradient) {
  const int64_t W = panel.width;
  for (int64_t n = 0; n < panel.rows; ++n) {
    const float* pre = panel.pre + n * panel.pre_stride;
    const float* dhidden = gradient.dhidden + n * gradient.dhidden_stride;
    float* dpre = gradient.dpre + n * gradient.dpre_stride;
    float* hidden = panel.hidden + n * panel.hidden_stride;
    const float weight = gradient.weight_N[n];
#pragma GCC ivdep
    for (int64_t i = 0; i < W; ++i) {
      const Slope slope = slope_at<A>(pre[i]);
      const float dh = weight * dhidden[i];
      hidden[i] = kGated ? slope.value * pre[W + i] : slope.value;
      dpre[i] = (kGated ? dh * pre[W + i] : dh) * slope.derivative;
      if (kGated) dpre[W + i] = dh * slope.value;
    }
    gradient.dweight_N[n] += dot(dhidden, hidden, W);
    for (int64_t i = 0; i < W; ++i) hidden[i] *= weight;
  }
}

template <Activation A>
HETERODYNE_INLINE void forward_of(const HiddenPanel& panel, const float* bias, const float* multiplier_bias) {
  if (panel.is_gated) {
    forward<A, true>(panel, bias, multiplier_bias);
  } else {
    forward<A, false>(panel, bias, multiplier_bias);
  }
}

template <Activation A>
HETERODYNE_INLINE void backward_of(const HiddenPanel& panel, const HiddenGradient& gradient) {
  if (panel.is_gated) {
    backward<A, true>(panel, gradient);
  } else {
    backward<A, false>(panel, gradient);
  }
}

}  // namespace

HETERODYNE_CLONES void activate_panel(const HiddenPanel& panel, const float* bias, const float* multiplier_bias) {
  switch (panel.activation) {
    case Activation::kRelu:
      return forward_of<Activation::kRelu>(panel, bias, multiplier_bias);
    case Activation::kGelu:
      return forward_of<Activation::kGelu>(panel, bias, multiplier_bias);
    case Activation::kGeluTanh:
      return forward_of<Activation::kGeluTanh>(panel, bias, multiplier_bias);
    case Activation::kSilu:
      return forward_of<Activation::kSilu>(panel, bias, multiplier_bias);
  }
}

HETERODYNE_CLONES void activate_panel_backward(const HiddenPanel& panel, const HiddenGradient& gradient) {
  switch (panel.activation) {
    case Activation::kRelu:
      return backward_of<Activation::kRelu>(panel, gradient);
    case Activation::kGelu:
      return backward_of<Activation::kGelu>(panel, gradient);
    case Activation::kGeluTanh:
      return backward_of<Activation::kGeluTanh>(panel, gradient);
    case Activation::kSilu:
      return backward_of<Activation::kSilu>(panel, gradient);
  }
}

}  // namespace heterodyne::ops::internal
