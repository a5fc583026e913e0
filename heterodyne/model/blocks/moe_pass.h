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

/// Multiply-adds of layers each of which has a Mixture of Experts `moe` or an expert `dense`, pointers, for `tokens`
/// tokens in sequences of `length`, when the experts of each MoE layer get so many of them. `beside` tells what a layer
/// does beside that, which counts as routed and as executed.
template <class Layers, class Beside>
CostPair macs_of_layers(const Layers& layers, const std::vector<std::vector<double>>& tokens_per_expert, double tokens,
                        int64_t length, const Beside& beside) {
  CostPair total;
  size_t moe = 0;
  for (const auto& layer : layers) {
    const auto part = layer.moe ? layer.moe->cost(tokens_per_expert.at(moe++), tokens, length)
                                : layer.dense->cost({tokens, tokens, length});
    const double more = beside(layer);
    total.routed.macs += part.routed.macs + more;
    total.executed.macs += part.executed.macs + more;
  }
  return total;
}

}  // namespace heterodyne
