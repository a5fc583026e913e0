// How large the neuron's weights are: the length of its rows of gate and up and its column of down together. The same
// for every domain.
#include "heterodyne/convert/score.h"

namespace heterodyne {
namespace {

class Magnitude : public Score {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit Magnitude(const Options&) {}

  void add(Network&, const std::vector<DenseLayer>& layers, const Batch&, torch::Tensor& sum_LF) const override {
    const torch::NoGradGuard no_grad;
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto& part = layers[l].part;
      const auto square_F = part.gate_FD.to(torch::kFloat64).square().sum(1) +
                            part.up_FD.to(torch::kFloat64).square().sum(1) +
                            part.down_OF.to(torch::kFloat64).square().sum(0);
      sum_LF[static_cast<int64_t>(l)].add_(square_F.sqrt());
    }
  }
  bool reads_texts() const override { return false; }
};

}  // namespace

ScoreKind score_kind_magnitude() { return score_kind<Magnitude>("length of the neuron's weights"); }

}  // namespace heterodyne
