#include "heterodyne/train/growth/averages.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/shape.h"

namespace heterodyne {

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
    const std::string name = prefix + "." + change.name;
    const auto found = averages.find(name);
    if (found == averages.end()) continue;
    found->second = rearranged(found->second, change);
    for (size_t e = 0; e < change.source_E.size(); ++e) {
      if (change.source_E[e] >= 0) continue;
      const auto position = static_cast<int64_t>(e);
      found->second.select(change.axis, position).copy_(parameters[name].select(change.axis, position));
    }
  }
  std::erase_if(averages, [&](const auto& entry) { return !parameters.contains(entry.first); });
  for (const auto& parameter : parameters) {
    auto& average = averages[parameter.key()];
    if (!average.defined()) average = parameter.value().detach().clone();
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
