// How large the neuron's hidden value is: the sum of |h| over tokens.
#include "heterodyne/convert/score.h"

namespace heterodyne {
namespace {

class ActivationScore : public Score {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit ActivationScore(const Options&) {}

  void add(Network& network, const std::vector<DenseLayer>& layers, const Batch& batch,
           torch::Tensor& sum_LF) const override {
    const torch::NoGradGuard no_grad;
    const auto pass = tapped_pass(network, batch, layers);
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto h_TF = hidden_values(layers[l], pass.layers[l].input_TH).h_TF;
      sum_LF[static_cast<int64_t>(l)].add_(without_padding(h_TF, batch).to(torch::kFloat64).abs().sum(0));
    }
  }
};

}  // namespace

ScoreKind score_kind_activation() { return score_kind<ActivationScore>("sum of the neuron's absolute hidden values"); }

}  // namespace heterodyne
