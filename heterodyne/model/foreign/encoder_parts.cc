#include "heterodyne/model/foreign/encoder_parts.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

namespace heterodyne {

TensorMap joined_keys_and_values(const std::string& ours, const std::string& key, const std::string& value) {
  using Tensors = TensorMap::Tensors;
  return {{ours},
          {key, value},
          [](const Tensors& theirs) -> Tensors { return {at::cat({theirs[0], theirs[1]}, 0)}; },
          [](const Tensors& joined) -> Tensors {
            const auto halves = joined[0].chunk(2, 0);
            return {halves[0].contiguous(), halves[1].contiguous()};
          }};
}

void set_labels(Table& config, int64_t num_classes) {
  Table labels, ids;
  for (int64_t y = 0; y < num_classes; ++y) {
    labels.set(std::to_string(y), fmt::format("LABEL_{}", y));
    ids.set(fmt::format("LABEL_{}", y), y);
  }
  config.set("id2label", labels);
  config.set("label2id", ids);
}

}  // namespace heterodyne
