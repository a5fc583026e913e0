#include "heterodyne/model/compact.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

bool is_of_router(const std::string& name) {
  return name.starts_with("router.") || name.find(".router.") != std::string::npos || name.ends_with(".router");
}

}  // namespace

CompactReport compact_weights(torch::nn::Module& module, ops::Compact format) {
  CompactReport report;
  for (const auto& parameter : module.named_parameters()) {
    if (parameter.value().scalar_type() != torch::kFloat32) {
      throw ConfigError(fmt::format("{}: expected a model in float32 to make it {}, got {}", parameter.key(),
                                    ops::name_of(format), torch::toString(parameter.value().scalar_type())));
    }
    report.bytes_before += static_cast<int64_t>(parameter.value().nbytes());
  }
  report.bytes_after = report.bytes_before;
  const auto make_compact = [&](nn::Weight& weight) {
    if (weight.compact_matrix()) return;
    weight.compact(format);
    ++report.num_matrices;
    report.bytes_after += weight.compact_matrix()->num_bytes() - 4 * weight.num_values();
  };
  for (const auto& part : module.named_modules("", false)) {
    if (is_of_router(part.key())) continue;
    if (auto* linear = part.value()->as<nn::Linear>()) make_compact(linear->weight());
    if (auto* embedding = part.value()->as<nn::Embedding>()) make_compact(embedding->weight());
  }
  return report;
}

}  // namespace heterodyne
