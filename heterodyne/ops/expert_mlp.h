// Expert MLPs: all feed-forward experts of a layer in one call. Rows are gathered by index while they are multiplied,
// activations are applied while they are in the cache, widths may differ from expert to expert, and nothing is padded.
//
//   y_TO[t] = sum over the pairs p of t of weight_N[p] * f_e(x_TD[t]),  e the expert of p
//   f_e(x) = W_down h + b_down,  h = activation(W_up x + b_up)                          plain
//                                h = activation(W_gate x + b_gate) * (W_up x + b_up)    gated (Shazeer 2020, equation
//                                6)
//
// Letters: T tokens, D width, O output width, E experts, F hidden width of one expert, N chosen pairs.
#pragma once

#include <vector>

#include "heterodyne/ops/activation.h"
#include "heterodyne/ops/compact/compact_matrix.h"
#include "heterodyne/ops/routing_plan.h"

namespace heterodyne::ops {

/// The parameters of one expert. Not gated when gate_FD is undefined; biases may be undefined.
struct ExpertMlp {
  Activation activation = Activation::kGelu;
  torch::Tensor up_FD, down_OF;
  torch::Tensor gate_FD = {};
  torch::Tensor up_bias_F = {}, gate_bias_F = {}, down_bias_O = {};
  /// pack_panels() of the matrices, or undefined: they are packed where they are used.
  torch::Tensor up_panels = {}, gate_panels = {}, down_panels = {};
  /// Compact matrices that are multiplied in the place of all of them; up_FD and the others then only have their shapes
  /// and take the gradients, if they want any (straight-through).
  CompactPointer up_compact = {}, gate_compact = {}, down_compact = {};
  /// Hidden values are computed again in the backward pass instead of kept.
  bool is_recomputed = false;

  bool defined() const { return up_FD.defined(); }
  bool is_compact() const { return up_compact != nullptr; }
};

/// Whether expert_mlps() computes experts on such inputs here: float32 on a CPU, a kernel path in use (isa.h).
bool can_run_expert_mlps(const torch::Tensor& x_TD, const torch::Tensor& weight_N);

/// y_TO as above. experts[e] may be undefined: pairs of that expert are left out, and get a zero gradient.
/// Gradients for x_TD, weight_N and the parameters; what does not require one costs nothing. A parameter of an expert
/// without rows gets an undefined gradient, which stands for zero. Compact experts are expanded for the time of the
/// backward pass; of those in bf16 whose matrices learn, where many rows are rounded (compact_product()), all factors
/// of the gradients are rounded too. Second derivatives throw Error. The same bits for any number of threads. The
/// answer to a pair does not depend on the rows beside it; how many there are may move the last digits of dx_TD, and
/// with compact matrices of y_TO. Throws ShapeError when a tensor does not fit the plan or the others, Error when a
/// float32 expert beside compact ones has no panels.
torch::Tensor expert_mlps(const torch::Tensor& x_TD, const torch::Tensor& weight_N, const RoutingPlan& plan,
                          const std::vector<ExpertMlp>& experts, int64_t output_width);

}  // namespace heterodyne::ops
