// The diversity loss of DynMoE (Guo et al. 2024, arXiv 2405.14297): how far the experts' embeddings are from standing
// at right angles, the Frobenius norm of W W^T - I with rows w_e of length one. Its gradient where it is zero is zero.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class DiversityLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit DiversityLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    constexpr double kTiny = 1e-12;
    const auto& embedding_EP = input.embedding_EP;
    if (input.routing.num_counted_tokens() == 0) return embedding_EP.sum() * 0;
    const auto direction_EP = embedding_EP / embedding_EP.norm(2, -1, true).clamp_min(kTiny);
    const auto cosine_EE = torch::matmul(direction_EP, direction_EP.t());
    return (cosine_EE - torch::eye(cosine_EE.size(0), cosine_EE.options().requires_grad(false))).norm();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }
  bool needs_embeddings() const override { return true; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_diversity() {
  return balancer_kind<DiversityLoss>("distance of the experts' embeddings from right angles (DynMoE)");
}

}  // namespace heterodyne
