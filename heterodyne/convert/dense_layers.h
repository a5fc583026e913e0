// Dense layers: the feed-forward layers of a network that can become Mixtures of Experts, gated or not, with biases or
// without, and what goes in and comes out of the gated ones in a pass.
//
// Letters: B sequences, S tokens, T = B x S, H width, F neurons, L such layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/model/network.h"

namespace heterodyne {

struct DenseLayer {
  int64_t index = 0;    // in the network
  std::string name;     // "layers.3"
  ops::ExpertMlp part;  // up_FD and down_OF; gate_FD where it is gated

  int64_t num_neurons() const { return part.up_FD.size(0); }
  /// Without biases, as LLaMA's: those whose neurons can be scored.
  bool is_gated() const;
  /// A row for what each neuron looks for: of the gate where there is one, otherwise of up.
  torch::Tensor key_FH() const { return (part.gate_FD.defined() ? part.gate_FD : part.up_FD).detach(); }
};

/// In the network's order. Throws Error when there is none.
std::vector<DenseLayer> dense_layers_of(const Network& network);

/// One layer's pass.
struct LayerPass {
  torch::Tensor input_TH;    // what the feed-forward part reads, without gradient
  torch::Tensor output_BSH;  // the sum after it: its gradient is that of the part's answer
};

struct TappedPass {
  torch::Tensor logit_BSY;
  std::vector<LayerPass> layers;  // as they were asked for
};

/// A forward pass that keeps what the layers saw. Throws Error when the network shows nothing of a layer.
TappedPass tapped_pass(Network& network, const Batch& batch, const std::vector<DenseLayer>& layers);

/// Which of a pass's rows are tokens, bool [T]; undefined where all are.
torch::Tensor tokens_among(int64_t num_rows, const Batch& batch);
/// value_TX with zeros in the rows of padding, so that sums over tokens leave it out.
torch::Tensor without_padding(const torch::Tensor& value_TX, const Batch& batch);

/// The neurons' parts of a pass of a gated layer: a = gate x, u = up x, h = activation(a) u.
struct HiddenValues {
  torch::Tensor a_TF, u_TF, h_TF;
};
HiddenValues hidden_values(const DenseLayer& layer, const torch::Tensor& input_TH);
/// activation(a), with gradient.
torch::Tensor activated(const DenseLayer& layer, const torch::Tensor& a_TF);

}  // namespace heterodyne
