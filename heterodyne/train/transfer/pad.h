// Padding: experts of unequal width become equally wide by hidden neurons whose weights are zero. A SwiGLU's hidden
// value silu(W1 x) * W3 x is zero where a row of W1 and W3 is, so that the answers stay exactly the same.
#pragma once

#include "heterodyne/train/load_model.h"

namespace heterodyne {

struct PaddedModel {
  TrainedModel model;
  int64_t num_before = 0, num_after = 0;  // values of all experts
};

/// The same model with experts as wide as its widest, in one group for each layer, for forms that know one width and
/// one number of experts. Throws CheckError when an expert is no `swiglu`, layers have different numbers of experts, or
/// layers differ in more than their experts; ConfigError when the network has no experts.
PaddedModel padded_experts(const TrainedModel& model);

}  // namespace heterodyne
