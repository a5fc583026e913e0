// Recompute: work whose values between its inputs and its answers are computed again in the backward pass instead of
// kept (Chen et al. 2016, "Training deep nets with sublinear memory cost"), so that between the two passes only the
// inputs are held.
#pragma once

#include <functional>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

/// Answers to inputs. A function of them and of parameters alone: what it draws it draws by step and row
/// (base/random.h), and it notes nothing, as it is called twice.
using RecomputedWork = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>& inputs)>;

/// The answers of `work`. Inputs and parameters are defined; every parameter that `work` reads and that is to get a
/// gradient is among `parameters`. Both passes run the same operators, so answers and gradients are those of work(),
/// bit for bit. Between the two passes no mode and no parameter may change. Without gradients the same as work(inputs).
/// A second derivative throws Error.
std::vector<torch::Tensor> recomputed(const RecomputedWork& work, const std::vector<torch::Tensor>& inputs,
                                      const std::vector<torch::Tensor>& parameters);

}  // namespace heterodyne::nn
