#include "heterodyne/model/blocks/image_and_text.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"

namespace heterodyne {

void check_is_paired(const std::string& kind, const DataShape& data) {
  if (data.is_paired()) return;
  throw ConfigError(
      "model", "kind",
      fmt::format("expected data of images with texts for \"{}\", got {}", kind, data.is_text() ? "text" : "images"));
}

Batch with_image_tokens(const std::string& kind, const DataShape& data, const Batch& batch, int64_t P) {
  const std::string where = "model." + kind;
  check_shape(where, "inputs", batch.inputs, {"B", {"C", data.channels}, {"H", data.height}, {"W", data.width}});
  check_shape(where, "text_BS", batch.text_BS, {{"B", batch.inputs.size(0)}, {"L", data.length}});
  Batch tokens = batch;
  if (batch.mask_BS.defined())
    tokens.mask_BS = at::cat({batch.mask_BS.new_ones({batch.inputs.size(0), P}), batch.mask_BS}, 1);
  return tokens;
}

}  // namespace heterodyne
