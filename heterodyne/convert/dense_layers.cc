#include "heterodyne/convert/dense_layers.h"

#include <ATen/ops/linear.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace heterodyne {
namespace {

const char* name_of(ops::Activation activation) {
  switch (activation) {
    case ops::Activation::kRelu:
      return "relu";
    case ops::Activation::kGelu:
      return "gelu";
    case ops::Activation::kGeluTanh:
      return "gelu_tanh";
    case ops::Activation::kSilu:
      return "silu";
  }
  return "";
}

// "layers.12" -> 12, -1 for other names.
int64_t index_of(const std::string& name) {
  const std::string prefix = "layers.";
  if (name.rfind(prefix, 0) != 0 || name.size() == prefix.size()) return -1;
  const std::string digits = name.substr(prefix.size());
  const bool is_number =
      digits.size() < 6 && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? std::stoll(digits) : -1;
}

}  // namespace

bool DenseLayer::is_gated() const {
  return part.gate_FD.defined() && !part.up_bias_F.defined() && !part.gate_bias_F.defined() &&
         !part.down_bias_O.defined();
}

std::vector<DenseLayer> dense_layers_of(const Network& network) {
  std::vector<DenseLayer> all;
  for (const auto& module : network.named_modules("", false)) {
    const int64_t index = index_of(module.key());
    const auto expert = std::dynamic_pointer_cast<Expert>(module.value());
    if (index < 0 || !expert) continue;
    DenseLayer layer{index, module.key(), expert->as_mlp()};
    const bool is_plain = layer.part.defined() && !layer.part.gate_FD.defined() && layer.part.up_FD.defined();
    if (is_plain || (layer.part.defined() && layer.is_gated())) all.push_back(std::move(layer));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  if (all.empty())
    throw Error("convert", "expected a network with dense feed-forward layers (swiglu, geglu, mlp), got one without");
  return all;
}

TappedPass tapped_pass(Network& network, const Batch& batch, const std::vector<DenseLayer>& layers) {
  std::map<std::string, torch::Tensor> seen;
  for (const auto& layer : layers) seen[layer.name] = seen[layer.name + ".input"] = torch::Tensor();
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    const auto found = seen.find(name);
    if (found != seen.end()) found->second = value;
  };
  TappedPass pass{network.forward(batch, &log).logit_BY, {}};
  for (const auto& layer : layers) {
    const auto &input = seen[layer.name + ".input"], &output = seen[layer.name];
    if (!input.defined() || !output.defined())
      throw Error("convert",
                  fmt::format("{}: expected a network that shows this layer's input and output", layer.name));
    pass.layers.push_back({input.detach().flatten(0, -2), output});
  }
  return pass;
}

torch::Tensor tokens_among(int64_t num_rows, const Batch& batch) {
  const bool is_of_rows = batch.mask_BS.defined() && batch.mask_BS.numel() == num_rows;
  return is_of_rows ? batch.mask_BS.flatten() : torch::Tensor();
}

torch::Tensor without_padding(const torch::Tensor& value_TX, const Batch& batch) {
  const auto is_token_T = tokens_among(value_TX.size(0), batch);
  return is_token_T.defined() ? value_TX.masked_fill(is_token_T.logical_not().unsqueeze(1), 0) : value_TX;
}

HiddenValues hidden_values(const DenseLayer& layer, const torch::Tensor& input_TH) {
  const auto a_TF = at::linear(input_TH, layer.part.gate_FD.detach());
  const auto u_TF = at::linear(input_TH, layer.part.up_FD.detach());
  return {a_TF, u_TF, activated(layer, a_TF) * u_TF};
}

torch::Tensor activated(const DenseLayer& layer, const torch::Tensor& a_TF) {
  return activate(name_of(layer.part.activation), a_TF);
}

}  // namespace heterodyne
