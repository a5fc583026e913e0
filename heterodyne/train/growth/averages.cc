#include "heterodyne/train/growth/averages.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/shape.h"

namespace heterodyne {
namespace {

// One entry of an average begins as that of the weights is.
void renew(torch::Tensor& average, const torch::Tensor& weight, int64_t axis, int64_t position) {
  average.select(axis, position).copy_(weight.select(axis, position));
}

}  // namespace

void update_averages(Sums& averages, const torch::nn::Module& network, double decay, int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const double kept = std::min(decay, (1 + t) / (10 + t));
  for (const auto& parameter : network.named_parameters()) {
    auto& average = averages[parameter.key()];
    if (average.defined()) average.lerp_(parameter.value(), 1 - kept);
    else average = parameter.value().detach().clone();
  }
}

void remap_averages(Sums& averages, const torch::nn::Module& network, const std::string& prefix,
                    const std::vector<AxisChange>& changes) {
  const torch::NoGradGuard no_grad;
  if (averages.empty()) return;
  const auto parameters = network.named_parameters();
  for (const AxisChange& change : changes) {
    const auto found = averages.find(prefix + "." + change.name);
    if (found != averages.end()) found->second = rearranged(found->second, change);
  }
  for (const AxisChange& change : changes) {  // once all axes of a tensor have their new sizes
    const std::string name = prefix + "." + change.name;
    const auto found = averages.find(name);
    if (found == averages.end()) continue;
    for (size_t e = 0; e < change.source_E.size(); ++e) {
      if (change.source_E[e] < 0) renew(found->second, parameters[name], change.axis, static_cast<int64_t>(e));
    }
  }
  std::erase_if(averages, [&](const auto& entry) { return !parameters.contains(entry.first); });
  for (const auto& parameter : parameters) {
    auto& average = averages[parameter.key()];
    if (!average.defined()) average = parameter.value().detach().clone();
  }
}

void renew_averages(Sums& averages, MoeLayer& layer, int64_t id) {
  const torch::NoGradGuard no_grad;
  const int64_t position = position_of(layer, id);
  const auto average_of = [&](const std::string& name) {
    const auto found = averages.find(layer.layer_name() + "." + name);
    return found == averages.end() ? torch::Tensor() : found->second;
  };
  const auto& expert = *layer.slots()[static_cast<size_t>(position)].expert;
  for (const auto& parameter : expert.named_parameters()) {
    auto average = average_of("experts." + std::to_string(id) + "." + parameter.key());
    if (average.defined()) average.copy_(parameter.value());
  }
  for (const auto& [name, tensor, axis] : layer.router().expert_axes()) {
    auto average = average_of("router." + name);
    if (average.defined()) renew(average, tensor, axis, position);
  }
}

void set_weights(torch::nn::Module& network, const Sums& averages, const std::string& file) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network.named_parameters()) {
    const auto found = averages.find(parameter.key());
    if (found == averages.end())
      throw FormatError::in_file(file, parameter.key() + ": expected an average, it is missing");
    if (found->second.sizes() != parameter.value().sizes()) {
      throw FormatError::in_file(file, fmt::format("{}: expected {}, got {}", parameter.key(),
                                                   shape_text(parameter.value()), shape_text(found->second)));
    }
    parameter.value().copy_(found->second);
  }
}

AveragedWeights::AveragedWeights(torch::nn::Module& network, const Sums& averages) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network.named_parameters()) {
    const auto found = averages.find(parameter.key());
    if (found == averages.end()) continue;
    if (found->second.sizes() != parameter.value().sizes()) {
      throw ShapeError("averages", fmt::format("{}: expected {}, got {}", parameter.key(),
                                               shape_text(parameter.value()), shape_text(found->second)));
    }
    kept_.emplace_back(parameter.value(), parameter.value().detach().clone());
    parameter.value().copy_(found->second);
  }
}

AveragedWeights::~AveragedWeights() {
  const torch::NoGradGuard no_grad;
  for (auto& [parameter, values] : kept_) parameter.copy_(values);
}

}  // namespace heterodyne
