#include "heterodyne/eval/generate.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

std::vector<int64_t> experts_of(const Routing& routing, int64_t token, const std::vector<int64_t>& ids) {
  const auto& plan = routing.plan;
  const int64_t begin = plan.token_offset_T1[token].item<int64_t>(),
                end = plan.token_offset_T1[token + 1].item<int64_t>();
  std::vector<int64_t> experts;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t position = plan.expert_N[plan.pair_of_token_N[i].item<int64_t>()].item<int64_t>();
    experts.push_back(ids[static_cast<size_t>(position)]);
  }
  return experts;
}

}  // namespace

int64_t sample(const torch::Tensor& logit_V, const SamplingOptions& options, uint64_t place) {
  const int64_t V = logit_V.size(0);
  const auto logits = logit_V.detach().to(torch::kFloat64).view({1, V});
  const int64_t most = options.temperature == 0 ? 1 : options.top_k > 0 ? std::min(options.top_k, V) : V;
  const auto symbol_K = ops::top_k(logits, most, "generate").view(-1);
  if (options.temperature == 0) return symbol_K[0].item<int64_t>();
  const auto prob_K = (logits.view(-1).index_select(0, symbol_K) / options.temperature).softmax(0).contiguous();
  const double* prob = prob_K.const_data_ptr<double>();
  // The fewest symbols that have top_p together; then one of them.
  double whole = 0;
  int64_t kept = 0;
  while (kept < most && (kept == 0 || whole < options.top_p)) whole += prob[kept++];
  const float draw = RandomStream("generate")
                         .uniform_rows({options.seed, 0}, torch::tensor({static_cast<int64_t>(place)}), 1)
                         .item<float>();
  double left = static_cast<double>(draw) * whole;
  int64_t chosen = 0;
  while (chosen + 1 < kept && left >= prob[chosen]) left -= prob[chosen++];
  return symbol_K[chosen].item<int64_t>();
}

Generator::Generator(Network& network, RouteOverride route) : network_(network), route_(std::move(route)) {
  if (!network.is_causal())
    throw ConfigError("generate", "model", "expected a language model that sees no later tokens, got one that does");
  network_.eval();
}

void Generator::read(const std::vector<int64_t>& ids, const std::function<void(const GeneratedToken&)>& on_token) {
  if (ids.empty()) throw Error("generate: expected at least one symbol to begin with, got none");
  const torch::NoGradGuard no_grad;
  Batch batch;
  batch.inputs = torch::tensor(ids, torch::kInt64).unsqueeze(0);
  batch.carry = std::move(carry_);
  batch.first_position = num_read_;
  batch.keeps_past = true;
  batch.route_override = route_;
  RoutingLog log;
  log.keep_pairs = true;
  auto output = network_.forward(batch, &log);
  carry_ = std::move(output.carry);
  const auto S = static_cast<int64_t>(ids.size());
  logit_V_ = output.logit_BY.select(0, 0).select(0, S - 1).to(torch::kFloat64);
  const auto layers = network_.moe_layers();
  for (const auto& layer : log.layers) num_pairs_ += layer.routing.num_pairs(), num_routed_ += layer.num_tokens;
  for (int64_t s = 0; on_token && s < S; ++s) {
    GeneratedToken token{ids[static_cast<size_t>(s)], num_read_ + s, {}};
    for (size_t l = 0; l < layers.size(); ++l)
      token.experts.push_back(experts_of(log.layers[l].routing, s, layers[l]->ids()));
    on_token(token);
  }
  num_read_ += S;
}

int64_t Generator::next(const SamplingOptions& options) const {
  if (!logit_V_.defined()) throw Error("generate: expected a prompt to be read first");
  return sample(logit_V_, options, static_cast<uint64_t>(num_read_));
}

double Generator::mean_k() const {
  return num_routed_ > 0 ? static_cast<double>(num_pairs_) / static_cast<double>(num_routed_) : 0;
}

}  // namespace heterodyne
