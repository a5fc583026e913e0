#include "heterodyne/layer/expert.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"

namespace heterodyne {

ExpertRegistry empty_experts() { return ExpertRegistry("expert", Schema::of<ExpertGroupOptions>()); }

int64_t Expert::num_params() const {
  int64_t count = 0;
  for (const auto& parameter : parameters()) count += parameter.numel();
  return count;
}

CostPair Expert::row_cost(double macs_per_row, const ExpertLoad& load) const {
  const Cost cost{macs_per_row * load.rows, num_params(), 0};
  return {cost, cost};
}

int64_t num_experts_of(const Member& group) {
  int64_t longest = 1;
  for (const auto& entry : group.settings.entries()) {
    if (const Array* list = entry.value.if_array()) longest = std::max(longest, static_cast<int64_t>(list->size()));
  }
  const Value* count = group.settings.find("count");
  if (count == nullptr) return longest;
  Table shared{{"count", *count}};
  const auto options = read_options<ExpertGroupOptions>(shared, {group.path, group.path});
  // A resolved configuration says `count = 1` where nobody wrote a count: that is no contradiction to a list.
  if (options.count == 1) return longest;
  if (longest > 1 && longest != options.count) {
    throw ConfigError("expert." + group.kind, "count",
                      fmt::format("expected {}, the length of the list beside it, got {}", longest, options.count))
        .at(count->position(), group.path.empty() ? "expert." + group.kind : group.path);
  }
  return options.count;
}

void check_same_width(const std::string& kind, const ExpertContext& context) {
  if (context.output_width == context.width) return;
  throw ConfigError(
      "expert." + kind, "kind",
      fmt::format("expected an output width equal to the width {}, got {}", context.width, context.output_width));
}

torch::Tensor activate(const std::string& activation, const torch::Tensor& x) {
  if (activation == "gelu") return at::gelu(x);
  if (activation == "gelu_tanh") return at::gelu(x, "tanh");
  if (activation == "relu") return at::relu(x);
  HETERODYNE_DCHECK(activation == "silu");
  return at::silu(x);
}

ops::Activation activation_of(const std::string& name) {
  if (name == "gelu") return ops::Activation::kGelu;
  if (name == "gelu_tanh") return ops::Activation::kGeluTanh;
  if (name == "relu") return ops::Activation::kRelu;
  HETERODYNE_DCHECK(name == "silu");
  return ops::Activation::kSilu;
}

Rule one_of_activations() { return one_of("gelu", "gelu_tanh", "relu", "silu"); }

}  // namespace heterodyne
