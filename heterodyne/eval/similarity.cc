#include "heterodyne/eval/similarity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace heterodyne {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kRounding = 1e-6;  // of float32 outputs, relative

// An expert's output in float64 with centred columns.
struct Output {
  torch::Tensor x_TD;
  torch::Tensor square_T;  // of each row's length
  bool is_constant = false;

  explicit Output(const torch::Tensor& raw_TD) {
    const auto wide_TD = raw_TD.to(torch::kFloat64);
    x_TD = wide_TD - wide_TD.mean(0, true);
    square_T = x_TD.square().sum(1);
    is_constant = raw_TD.size(0) < 2 || x_TD.norm().item<double>() <= kRounding * wide_TD.norm().item<double>();
  }
};

double product(const Output& x, const Output& y) {
  return torch::matmul(y.x_TD.t(), x.x_TD).square().sum().item<double>();
}

// n (n - 3) HSIC_1 without its kernel matrices: with centred columns the rows of a kernel, but for its diagonal, sum to
// minus the diagonal.
double debiased_product(const Output& x, const Output& y) {
  const auto n = static_cast<double>(x.x_TD.size(0));
  const double diagonals = (x.square_T * y.square_T).sum().item<double>();
  const double traces = x.square_T.sum().item<double>() * y.square_T.sum().item<double>();
  return product(x, y) - n / (n - 2) * diagonals + traces / ((n - 1) * (n - 2));
}

using Product = double (*)(const Output&, const Output&);

double aligned(double both, double one, double other) {
  return one > 0 && other > 0 ? both / std::sqrt(one * other) : kNaN;
}

double cka(const Output& x, const Output& y, Product multiply) {
  if (x.is_constant || y.is_constant) return kNaN;
  return aligned(multiply(x, y), multiply(x, x), multiply(y, y));
}

// What a layer was given, a piece for each batch.
struct LayerInput {
  std::vector<torch::Tensor> x_BSD;
  std::vector<torch::Tensor> mask_BS;  // undefined where nothing is padded
};

// Of so many tokens, padding included, and at least one sequence.
std::map<std::string, LayerInput> layer_inputs(Network& network, Loader& loader, PassOptions pass, int64_t num_tokens) {
  std::map<std::string, LayerInput> inputs;
  int64_t seen = 0;
  pass.on_batch = [&seen, num_tokens, told = std::move(pass.on_batch)](int64_t done) {
    return seen < num_tokens && (!told || told(done));
  };
  std::vector<torch::Tensor> carry;
  each_batch(loader, pass, [&](Batch batch) {
    RoutingLog log;
    log.keep_pairs = true;
    log.on_value = [&](const std::string& name, const torch::Tensor& value) {
      if (name.ends_with(".input")) inputs[name.substr(0, name.rfind('.'))].x_BSD.push_back(value);
    };
    batch.take_over(std::move(carry));
    carry = std::move(network.forward(batch, &log).carry);
    int64_t more = 0;
    for (const auto& layer : log.layers) {
      LayerInput& input = inputs[layer.layer];
      const auto& mask_T = layer.routing.mask_T;
      auto& x_BSD = input.x_BSD.back();
      const int64_t B = x_BSD.size(0), S = x_BSD.size(1);
      const int64_t count = std::clamp<int64_t>((num_tokens - seen) / std::max<int64_t>(S, 1), 1, B);
      const auto mask_BS = mask_T.defined() ? mask_T.view({B, S}).narrow(0, 0, count) : torch::Tensor();
      x_BSD = x_BSD.narrow(0, 0, count);
      input.mask_BS.push_back(mask_BS);
      more = std::max(more, B * S);
    }
    seen += more;
  });
  return inputs;
}

torch::Tensor answers(Expert& expert, const LayerInput& input) {
  std::vector<torch::Tensor> all;
  for (size_t i = 0; i < input.x_BSD.size(); ++i) {
    const auto& x_BSD = input.x_BSD[i];
    const auto& mask_BS = input.mask_BS[i];
    const int64_t T = x_BSD.size(0) * x_BSD.size(1);
    auto token_N = torch::arange(T);
    if (mask_BS.defined()) token_N = token_N.masked_select(mask_BS.reshape(-1));
    const auto x_ND = x_BSD.reshape({T, x_BSD.size(2)}).index_select(0, token_N);
    all.push_back(expert.forward({x_ND, token_N, x_BSD, mask_BS, {}}));
  }
  return torch::cat(all);
}

Similarity similarity_of(const MoeLayer& layer, const LayerInput& input) {
  std::vector<Output> outputs;
  for (const auto& slot : layer.slots()) outputs.emplace_back(answers(*slot.expert, input));
  const int64_t T = outputs[0].x_TD.size(0);
  Similarity similarity{T, T < 10 * outputs[0].x_TD.size(1), {}};
  const Product multiply = similarity.is_debiased ? debiased_product : product;

  const size_t E = outputs.size();
  const bool is_enough = T >= 4 || !similarity.is_debiased;
  std::vector<double> alone_E;
  for (const auto& output : outputs) alone_E.push_back(is_enough && !output.is_constant ? multiply(output, output) : 0);
  similarity.cka_EE.assign(E * E, kNaN);
  for (size_t i = 0; i < E; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double both = i == j ? alone_E[i] : multiply(outputs[i], outputs[j]);
      similarity.cka_EE[i * E + j] = similarity.cka_EE[j * E + i] = aligned(both, alone_E[i], alone_E[j]);
    }
  }
  return similarity;
}

}  // namespace

double linear_cka(const torch::Tensor& x_TD, const torch::Tensor& y_TO) {
  return cka(Output(x_TD), Output(y_TO), product);
}

double debiased_linear_cka(const torch::Tensor& x_TD, const torch::Tensor& y_TO) {
  return x_TD.size(0) < 4 ? kNaN : cka(Output(x_TD), Output(y_TO), debiased_product);
}

std::vector<Similarity> expert_similarity(Network& network, Loader& loader, PassOptions pass, int64_t num_tokens) {
  const EvalMode eval_mode(network);
  const torch::NoGradGuard no_grad;
  const int64_t whole = std::max<int64_t>(1, num_tokens / std::max<int64_t>(1, network.tokens_per_example()));
  pass.num_examples = pass.num_examples > 0 ? std::min(pass.num_examples, whole) : whole;
  const auto inputs = layer_inputs(network, loader, pass, num_tokens);
  std::vector<Similarity> all;
  for (const MoeLayer* layer : network.moe_layers()) {
    const auto input = inputs.find(layer->layer_name());
    all.push_back(input == inputs.end() ? Similarity{} : similarity_of(*layer, input->second));
  }
  return all;
}

}  // namespace heterodyne
