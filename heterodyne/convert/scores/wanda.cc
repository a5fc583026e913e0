// Weights times activations (Sun et al. 2024, "A simple and effective pruning approach for large language models",
// equation 1, summed over the neuron's column of down): the sum of |down| times the length of h over a sequence's
// tokens.
#include "heterodyne/convert/score.h"

namespace heterodyne {
namespace {

class Wanda : public Score {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit Wanda(const Options&) {}

  void add(Network& network, const std::vector<DenseLayer>& layers, const Batch& batch,
           torch::Tensor& sum_LF) const override {
    const torch::NoGradGuard no_grad;
    const auto pass = tapped_pass(network, batch, layers);
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto all_TF = hidden_values(layers[l], pass.layers[l].input_TH).h_TF;
      const auto h_TF = without_padding(all_TF, batch).to(torch::kFloat64);
      const auto length_F = h_TF.view({batch.size(), -1, h_TF.size(1)}).square().sum(1).sqrt().sum(0);
      sum_LF[static_cast<int64_t>(l)].add_(layers[l].part.down_OF.to(torch::kFloat64).abs().sum(0) * length_F);
    }
  }
};

}  // namespace

ScoreKind score_kind_wanda() {
  return score_kind<Wanda>("size of the neuron's outgoing weights times its activations");
}

}  // namespace heterodyne
