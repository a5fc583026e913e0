#include "heterodyne/convert/router_rows.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"

namespace heterodyne {

torch::Tensor input_means(Network& network, const std::vector<DenseLayer>& layers, const BatchSource& next) {
  const torch::NoGradGuard no_grad;
  network.eval();
  std::vector<torch::Tensor> sum_H(layers.size());
  int64_t tokens = 0;
  while (const auto batch = next()) {
    const auto pass = tapped_pass(network, *batch, layers);
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto own_H = without_padding(pass.layers[l].input_TH, *batch).to(torch::kFloat64).sum(0);
      sum_H[l] = sum_H[l].defined() ? sum_H[l] + own_H : own_H;
    }
    const int64_t rows = pass.layers.front().input_TH.size(0);
    const auto is_token_T = tokens_among(rows, *batch);
    tokens += is_token_T.defined() ? is_token_T.sum().item<int64_t>() : rows;
  }
  if (tokens == 0) throw Error("convert.build", "expected texts of each domain, got one without any");
  return torch::stack(sum_H) / static_cast<double>(tokens);
}

torch::Tensor domain_rows(const NeuronMap& map, const torch::Tensor& level_FD, const torch::Tensor& mean_DH) {
  const int64_t D = level_FD.size(1);
  if (D < 2)
    throw Error("convert.build", fmt::format("router_init: expected two domains or more for \"domains\", got {}", D));
  const auto mean_of_all_H = mean_DH.mean(0);
  std::vector<torch::Tensor> rows;
  for (int64_t e = 0; e < map.num_experts; ++e) {
    const auto matter_D = level_FD.index_select(0, torch::tensor(map.neurons_of(e), torch::kInt64)).sum(0);
    const auto share_D = matter_D / matter_D.sum().clamp_min(1e-300) - 1.0 / static_cast<double>(D);
    const auto row_H = torch::mv((mean_DH - mean_of_all_H).t(), share_D);
    const double length = row_H.norm().item<double>();
    rows.push_back(length > 1e-12 ? row_H / length : torch::zeros_like(row_H));
  }
  return torch::stack(rows);
}

}  // namespace heterodyne
