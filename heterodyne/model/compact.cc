#include "heterodyne/model/compact.h"

#include <fmt/format.h>

#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

bool is_of_router(const std::string& name) {
  return name.starts_with("router.") || name.find(".router.") != std::string::npos;
}

// The layer whose experts this is one of, "layers.0"; "" for others. The experts of a layer run in one call.
std::string layer_of_expert(const std::string& name) {
  for (const char* part : {".experts.", ".shared."}) {
    const size_t at = name.find(part);
    if (at != std::string::npos) return name.substr(0, at);
  }
  return "";
}

void check_is_float32(const std::string& name, const torch::Tensor& parameter, ops::Compact format) {
  if (parameter.scalar_type() == torch::kFloat32) return;
  throw ConfigError(fmt::format("{}: expected a model in float32 to make it {}, got {}", name, ops::name_of(format),
                                torch::toString(parameter.scalar_type())));
}

}  // namespace

std::vector<std::pair<std::string, nn::Weight*>> weights_of(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, nn::Weight*>> all;
  for (const auto& part : module.named_modules("", false)) {
    if (auto* linear = part.value()->as<nn::Linear>()) all.emplace_back(part.key() + ".weight", &linear->weight());
    if (auto* table = part.value()->as<nn::Embedding>()) all.emplace_back(part.key() + ".weight", &table->weight());
  }
  return all;
}

int64_t round_products(torch::nn::Module& module, ops::Compact format) {
  int64_t count = 0;
  for (const auto& part : module.named_modules("", false)) {
    auto* linear = part.value()->as<nn::Linear>();
    if (linear == nullptr || is_of_router(part.key() + ".") || linear->weight().compact_matrix()) continue;
    if (!linear->weight().is_rounded()) {
      check_is_float32(part.key() + ".weight", linear->weight().matrix(), format);
      linear->weight().round_to(format);
    }
    ++count;
  }
  return count;
}

CompactReport compact_weights(torch::nn::Module& module, ops::Compact format, CompactScope scope) {
  CompactReport report;
  std::set<std::string> learning, learning_layers;
  for (const auto& parameter : module.named_parameters()) {
    check_is_float32(parameter.key(), parameter.value(), format);
    report.bytes_before += static_cast<int64_t>(parameter.value().nbytes());
    if (!parameter.value().requires_grad()) continue;
    learning.insert(parameter.key());
    learning_layers.insert(layer_of_expert(parameter.key()));
  }
  report.bytes_after = report.bytes_before;
  for (const auto& [name, weight] : weights_of(module)) {
    if (is_of_router(name) || weight->compact_matrix()) continue;
    const std::string bias = name.substr(0, name.size() - std::string("weight").size()) + "bias";
    const std::string layer = layer_of_expert(name);
    const bool learns =
        learning.count(name) > 0 || learning.count(bias) > 0 || (!layer.empty() && learning_layers.count(layer) > 0);
    if (scope == CompactScope::kFrozen && learns) continue;
    weight->compact(format);
    ++report.num_matrices;
    report.bytes_after += weight->compact_matrix()->num_bytes() - 4 * weight->num_values();
  }
  return report;
}

}  // namespace heterodyne
