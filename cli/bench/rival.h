// Rival: another way to compute what an MoE layer of equal SwiGLU experts computes, or the dense layer of as many
// operations, written with LibTorch's operators alone. Each is one file in rivals/; the file's stem is its name.
// They are what the layer is measured against, and nothing else uses them.
//
// Letters used here and in rivals/: T tokens, D width, F hidden width, E experts, K choices per token, N = T x K pairs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"

namespace heterodyne {

/// The values of a layer: y_t = sum over its K best experts of softmax weight x W2 (silu(W1 x) * W3 x). Rivals share
/// their memory; each makes leaves of its own on it.
struct RivalValues {
  torch::Tensor gate_ED;
  torch::Tensor w1_EFD, w3_EFD, w2_EDF;
  int64_t k = 1;

  int64_t num_experts() const { return w1_EFD.size(0); }
};

class Rival {
 public:
  virtual ~Rival() = default;
  /// y_TD for x_TD; of a dense rival y_ND for x_ND.
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
  /// Forward, then the gradients of x and of all values for the gradient `dy` of the answer.
  virtual void forward_backward(const torch::Tensor& x, const torch::Tensor& dy) { forward(x).backward(dy); }
  /// Forgets the gradients, as a training step does before it.
  virtual void clear() {
    for (auto& leaf : leaves_) leaf.mutable_grad().reset();
  }

 protected:
  /// A leaf that requires a gradient, on the memory of `values`.
  torch::Tensor leaf(const torch::Tensor& values) {
    leaves_.push_back(values.detach().requires_grad_());
    return leaves_.back();
  }

 private:
  std::vector<torch::Tensor> leaves_;
};

struct RivalKind {
  std::string summary;
  Schema schema;
  std::function<std::unique_ptr<Rival>(const RivalValues&)> make;
  bool is_dense = false;      // one expert on N rows, without a router
  int64_t divides_width = 1;  // D and F must be multiples of it
};
using RivalRegistry = Registry<RivalKind>;

/// Every rival.
const RivalRegistry& rivals();
RivalRegistry empty_rivals();

/// The kind made of a class with a constructor (RivalValues).
template <class T>
RivalKind rival_kind(std::string summary, bool is_dense = false, int64_t divides_width = 1) {
  return {std::move(summary),
          {},
          [](const RivalValues& values) { return std::make_unique<T>(values); },
          is_dense,
          divides_width};
}

/// What a plain router gives: each token's K best experts and the softmax of their scores.
struct PlainChoice {
  torch::Tensor expert_TK;  // int64
  torch::Tensor weight_TK;
};
PlainChoice plain_choice(const torch::Tensor& x_TD, const torch::Tensor& gate_ED, int64_t k);

/// One expert's matrices.
struct PlainExpert {
  torch::Tensor w1_FD, w3_FD, w2_DF;
  /// W2 (silu(W1 x) * W3 x)
  torch::Tensor forward(const torch::Tensor& x_ND) const;
};

}  // namespace heterodyne
