#include "heterodyne/nn/embedding.h"

#include <ATen/ops/embedding.h>
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/nn/undrawn.h"

namespace heterodyne::nn {

Embedding::Embedding(int64_t num_symbols, int64_t width, const Init& init) {
  const auto draw = [&] {
    return init.at("weight").stream().normal({init.seed, 0}, {num_symbols, width}) /
           std::sqrt(static_cast<double>(width));
  };
  weight_ = Weight(*this, "weight", is_undrawn() ? undrawn_values({num_symbols, width}) : draw());
}

torch::Tensor Embedding::forward(const torch::Tensor& id) const {
  if (id.numel() > 0) {
    const auto [lowest, highest] = id.aminmax();
    if (lowest.item<int64_t>() < 0 || highest.item<int64_t>() >= weight_.num_outputs()) {
      throw ShapeError("nn.embedding", fmt::format("id: expected 0 .. {}, got {} .. {}", weight_.num_outputs() - 1,
                                                   lowest.item<int64_t>(), highest.item<int64_t>()));
    }
  }
  if (weight_.compact_matrix()) return ops::expanded_rows(*weight_.compact_matrix(), id);
  return at::embedding(weight_.matrix(), id);
}

}  // namespace heterodyne::nn
