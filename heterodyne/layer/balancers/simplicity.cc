// The simplicity loss of DynMoE (Guo et al. 2024, arXiv 2405.14297): the mean length of the experts' embeddings. Where
// only their directions matter it changes nothing but how fast those turn.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class SimplicityLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit SimplicityLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const auto& embedding_EP = input.embedding_EP;
    if (input.routing.num_counted_tokens() == 0) return embedding_EP.sum() * 0;
    return embedding_EP.norm(2, -1).mean();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }
  bool needs_embeddings() const override { return true; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_simplicity() {
  return balancer_kind<SimplicityLoss>("mean length of the experts' embeddings (DynMoE)");
}

}  // namespace heterodyne
