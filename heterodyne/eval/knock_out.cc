#include "heterodyne/eval/knock_out.h"

#include <algorithm>
#include <utility>

#include "heterodyne/eval/metrics.h"

namespace heterodyne {
namespace {

// Decides like another router, without one of its experts.
class KnockOutRouter : public Router {
 public:
  KnockOutRouter(Router& whole, int64_t position) : whole_(whole), position_(position) {}

  Routing route(const RouteInput& input) override { return without_expert(whole_.route(input), position_); }
  torch::Tensor selection_bias() override { return whole_.selection_bias(); }
  torch::Tensor embeddings() override { return whole_.embeddings(); }
  bool needs_previous_logits() const override { return whole_.needs_previous_logits(); }
  int64_t num_experts() const override { return whole_.num_experts(); }
  int64_t max_choices() const override { return whole_.max_choices(); }
  void set_num_experts(int64_t num_experts) override { whole_.set_num_experts(num_experts); }

 private:
  Router& whole_;
  int64_t position_;
};

// What `changed` is more than `whole`, class by class; NaN for classes without examples.
std::vector<double> differences(const std::vector<double>& changed_Y, const std::vector<double>& whole_Y) {
  std::vector<double> difference_Y;
  for (size_t y = 0; y < whole_Y.size(); ++y) difference_Y.push_back(changed_Y[y] - whole_Y[y]);
  return difference_Y;
}

// The metrics of one way to compute the batches. Where they continue each other, so does its own state.
struct Variant {
  ClassificationMetrics metrics;
  std::vector<torch::Tensor> carry;

  void add(Network& network, Batch batch) {
    batch.take_over(std::move(carry));
    auto output = network.forward(batch, nullptr);
    carry = std::move(output.carry);
    metrics.add(output.logit_BY, batch.label_B);
  }
};

KnockOut compare(const ClassificationMetrics& whole, const std::vector<Variant>& without_E) {
  KnockOut result{whole.loss(), whole.accuracy(), {}, {}, {}};
  for (const auto& variant : without_E) {
    const auto& without = variant.metrics;
    result.loss_change_E.push_back(without.loss() - whole.loss());
    result.accuracy_change_E.push_back(without.accuracy() - whole.accuracy());
    const auto change_Y = differences(without.loss_by_class(), whole.loss_by_class());
    result.loss_change_EY.insert(result.loss_change_EY.end(), change_Y.begin(), change_Y.end());
  }
  return result;
}

}  // namespace

Routing without_expert(const Routing& routing, int64_t position) {
  const auto& plan = routing.plan;
  const int64_t T = plan.num_tokens(), N = plan.num_pairs();
  const int64_t K = N > 0 ? plan.choice_N.max().item<int64_t>() + 1 : 1;
  const auto place_N = plan.token_N * K + plan.choice_N;
  const auto is_other_N = plan.expert_N.ne(position);
  const auto expert_TK = torch::full({T * K}, -1, torch::kInt64);
  expert_TK.index_put_({place_N}, plan.expert_N.masked_fill(is_other_N.logical_not(), -1));

  const auto sums = [&](const torch::Tensor& weight_N) {
    return torch::zeros({T}, weight_N.options()).index_add(0, plan.token_N, weight_N).index_select(0, plan.token_N);
  };
  const auto others_N = routing.weight_N * is_other_N;
  const auto left_N = sums(others_N);
  const auto scale_N = torch::where(left_N > 0, sums(routing.weight_N) / left_N, torch::ones_like(left_N));
  const auto weight_TK = torch::zeros({T * K}, routing.weight_N.options());
  weight_TK.index_put_({place_N}, others_N * scale_N);

  Routing reduced = routing;
  reduced.plan = ops::plan_routing(expert_TK.view({T, K}), plan.num_experts());
  reduced.weight_N = weight_TK.index_select(0, reduced.plan.token_N * K + reduced.plan.choice_N);
  return reduced;
}

std::vector<KnockOut> knock_out(Network& network, Loader& loader, const PassOptions& pass) {
  const EvalMode eval_mode(network);
  const auto layers = network.moe_layers();
  Variant whole;
  std::vector<std::vector<Variant>> without_LE;
  for (const MoeLayer* layer : layers) without_LE.emplace_back(static_cast<size_t>(layer->num_experts()));
  each_batch(loader, pass, [&](const Batch& batch) {
    whole.add(network, batch);
    for (size_t l = 0; l < layers.size(); ++l) {
      for (int64_t e = 0; e < layers[l]->num_experts(); ++e) {
        const RouterStandIn stand_in(*layers[l], std::make_shared<KnockOutRouter>(layers[l]->router(), e));
        without_LE[l][static_cast<size_t>(e)].add(network, batch);
      }
    }
  });
  std::vector<KnockOut> all;
  for (const auto& without_E : without_LE) all.push_back(compare(whole.metrics, without_E));
  return all;
}

}  // namespace heterodyne
