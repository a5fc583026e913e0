// Activations of feed-forward experts, applied to a panel of hidden values while it is in the cache.
//
// Letters: N rows, W columns of the panel. A gated panel holds W columns that are activated and then W that multiply
// them: h = activation(a) * u (Shazeer 2020, arXiv 2002.05202, equation 6); a plain one h = activation(a).
#pragma once

#include <cstdint>

namespace heterodyne::ops {

enum class Activation { kRelu, kGelu, kGeluTanh, kSilu };

namespace internal {

struct HiddenPanel {
  Activation activation;
  bool is_gated;
  int64_t rows, width;  // N, W
  float* pre;           // before the activation, [N, W] or [N, 2 W]
  int64_t pre_stride;
  float* hidden;  // [N, W]
  int64_t hidden_stride;
};

/// pre += bias (both parts may be null), hidden = h(pre).
void activate_panel(const HiddenPanel& panel, const float* bias, const float* multiplier_bias);

struct HiddenGradient {
  const float* weight_N;  // of each row
  const float* dhidden;   // gradient of h before that weight, [N, W]
  int64_t dhidden_stride;
  float* dpre;  // like pre
  int64_t dpre_stride;
  float* dweight_N;  // += <dhidden, h>
};

/// From pre: dpre, dweight_N, and weight x h into panel.hidden.
void activate_panel_backward(const HiddenPanel& panel, const HiddenGradient& gradient);

}  // namespace internal
}  // namespace heterodyne::ops
