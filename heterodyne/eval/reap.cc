#include "heterodyne/eval/reap.h"

#include <map>

namespace heterodyne {
namespace {

// Adds weight x length of the answer over the pairs of each expert, and counts them.
void add(const MoeLayer& layer, const LayerRouting& entry, const torch::Tensor& x_BSD, std::vector<double>& sum_E,
         std::vector<double>& count_E) {
  const Routing& routing = entry.routing;
  const auto x_TD = x_BSD.flatten(0, 1);
  const auto offsets = routing.plan.expert_offsets();
  torch::Tensor mask_BS;
  if (routing.mask_T.defined()) mask_BS = routing.mask_T.view({x_BSD.size(0), x_BSD.size(1)});
  for (size_t e = 0; e < sum_E.size(); ++e) {
    const int64_t begin = offsets[e], rows = offsets[e + 1] - begin;
    if (rows == 0) continue;
    const auto token_N = routing.plan.token_N.narrow(0, begin, rows);
    const auto answer_NO =
        layer.slots()[e].expert->forward({x_TD.index_select(0, token_N), token_N, x_BSD, mask_BS, {}});
    const auto length_N = answer_NO.to(torch::kFloat64).norm(2, -1);
    sum_E[e] += (length_N * routing.weight_N.narrow(0, begin, rows).to(torch::kFloat64)).sum().item<double>();
    count_E[e] += static_cast<double>(rows);
  }
}

}  // namespace

std::vector<std::vector<double>> reap_scores(Network& network, Loader& loader, const PassOptions& pass) {
  const EvalMode eval_mode(network);
  const torch::NoGradGuard no_grad;
  const auto layers = network.moe_layers();
  std::vector<std::vector<double>> sums, counts;
  for (const MoeLayer* layer : layers) sums.emplace_back(static_cast<size_t>(layer->num_experts()), 0);
  counts = sums;
  std::vector<torch::Tensor> carry;
  each_batch(loader, pass, [&](Batch batch) {
    std::map<std::string, torch::Tensor> inputs;
    RoutingLog log;
    log.keep_pairs = true;
    log.on_value = [&](const std::string& name, const torch::Tensor& value) {
      if (name.ends_with(".input")) inputs[name.substr(0, name.rfind('.'))] = value;
    };
    batch.take_over(std::move(carry));
    carry = std::move(network.forward(batch, &log).carry);
    for (size_t l = 0; l < layers.size(); ++l)
      add(*layers[l], log.layers[l], inputs.at(log.layers[l].layer), sums[l], counts[l]);
  });
  for (size_t l = 0; l < sums.size(); ++l) {
    for (size_t e = 0; e < sums[l].size(); ++e) {
      if (counts[l][e] > 0) sums[l][e] /= counts[l][e];
    }
  }
  return sums;
}

}  // namespace heterodyne
