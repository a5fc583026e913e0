// How much the loss would change, to first order, if the neuron were gone (Molchanov et al. 2017, "Pruning
// convolutional neural networks for resource efficient inference", equation 7; HEMoE): for each sequence
//
//   | sum of gate x dL/dgate + sum of up x dL/dup + sum of down x dL/ddown |   over the neuron's weights,
//
// which equals | sum over tokens of h dL/dh + a dL/da + u dL/du | and needs no gradients of weights.
#include <ATen/ops/cross_entropy_loss.h>

#include "heterodyne/convert/score.h"

namespace heterodyne {
namespace {

// Each sequence's mean loss over the tokens that have a label, summed, so that no sequence depends on the others of its
// batch.
torch::Tensor loss_of(const torch::Tensor& logit_BSY, const Batch& batch) {
  const int64_t B = batch.size();
  const auto loss_T =
      at::cross_entropy_loss(logit_BSY.flatten(0, -2), batch.label_B.flatten(), {}, at::Reduction::None);
  const auto count_B = batch.label_B.ge(0).view({B, -1}).sum(1).clamp_min(1);
  return (loss_T.view({B, -1}).sum(1) / count_B).sum();
}

class Taylor : public Score {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit Taylor(const Options&) {}

  void add(Network& network, const std::vector<DenseLayer>& layers, const Batch& batch,
           torch::Tensor& sum_LF) const override {
    const auto pass = tapped_pass(network, batch, layers);
    std::vector<torch::Tensor> outputs;
    for (const auto& layer : pass.layers) outputs.push_back(layer.output_BSH);
    const auto gradients = torch::autograd::grad({loss_of(pass.logit_BSY, batch)}, outputs);
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto dy_TH = gradients[l].flatten(0, -2);
      sum_LF[static_cast<int64_t>(l)].add_(
          sum_of_sequences(effect(layers[l], pass.layers[l].input_TH, dy_TH), batch.size()));
    }
  }

 private:
  // h dL/dh + a dL/da + u dL/du of each token.
  static torch::Tensor effect(const DenseLayer& layer, const torch::Tensor& input_TH, const torch::Tensor& dy_TH) {
    const auto values = hidden_values(layer, input_TH);
    const auto dh_TF = dy_TH.matmul(layer.part.down_OF.detach());
    const auto a_TF = values.a_TF.detach().requires_grad_();
    const auto da_TF = torch::autograd::grad({activated(layer, a_TF)}, {a_TF}, {dh_TF * values.u_TF})[0];
    // u dL/du = u activation(a) dh = h dh, as is h dL/dh
    return 2 * values.h_TF * dh_TF + values.a_TF * da_TF;
  }
};

}  // namespace

ScoreKind score_kind_taylor() { return score_kind<Taylor>("change of the loss without the neuron, to first order"); }

}  // namespace heterodyne
