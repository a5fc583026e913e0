// What the MoE layers of one forward pass share: each gets its part of the batch and, where routers read them, the
// scores of the layer before; losses and sums are collected on the way.
//
// Letters: B sequences, S tokens of a sequence, D width, O output width.
#pragma once

#include <utility>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

class MoePass {
 public:
  /// `log` may be null. Both must outlive it.
  MoePass(const Batch& batch, RoutingLog* log) : batch_(batch), log_(log) {}

  /// The layer's answer y_BSO to x_BSD. Layers come in the order of Network::moe_layers(). `past_BSD` is what the layer
  /// saw before in the same sequences, where a text is continued.
  torch::Tensor run(MoeLayer& layer, const torch::Tensor& x_BSD, const torch::Tensor& past_BSD = {});

  /// Moves what was collected to the network's output.
  void finish(NetworkOutput& output);

 private:
  const Batch& batch_;
  RoutingLog* log_;
  torch::Tensor previous_logit_TE_;
  NamedTensors losses_;
  std::vector<Sums> sums_;
};

/// Those of a network's layers that have one, in their order: of each layer, its `moe`, a pointer that may be null.
template <class Layers>
std::vector<MoeLayer*> moe_layers_of(const Layers& layers) {
  std::vector<MoeLayer*> all;
  for (const auto& layer : layers) {
    if (layer.moe) all.push_back(layer.moe.get());
  }
  return all;
}

}  // namespace heterodyne
