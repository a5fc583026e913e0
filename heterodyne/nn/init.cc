#include "heterodyne/nn/init.h"

#include <cmath>

#include "heterodyne/nn/undrawn.h"

namespace heterodyne::nn {
namespace {

int64_t fan_in_of(torch::IntArrayRef sizes) {
  int64_t fan_in = 1;
  for (const int64_t size : sizes.slice(1)) fan_in *= size;
  return fan_in;
}

}  // namespace

torch::Tensor initial_uniform(const Init& init, torch::IntArrayRef sizes, double bound) {
  if (is_undrawn()) return undrawn_values(sizes);
  return init.stream().uniform({init.seed, 0}, sizes).mul_(2 * bound).sub_(bound);
}

torch::Tensor initial_weight(Scheme scheme, const Init& init, torch::IntArrayRef sizes) {
  const auto fan_in = static_cast<double>(fan_in_of(sizes));
  switch (scheme) {
    case Scheme::kUniform:
      return initial_uniform(init, sizes, 1 / std::sqrt(fan_in));
    case Scheme::kHeNormal:
      return is_undrawn() ? undrawn_values(sizes)
                          : init.stream().normal({init.seed, 0}, sizes).mul_(std::sqrt(2 / fan_in));
    case Scheme::kXavierUniform: {
      const double fan_out = static_cast<double>(sizes[0]) * fan_in / static_cast<double>(sizes[1]);
      return initial_uniform(init, sizes, std::sqrt(6 / (fan_in + fan_out)));
    }
  }
  return {};
}

torch::Tensor initial_bias(Scheme scheme, const Init& init, int64_t size, int64_t fan_in) {
  if (scheme != Scheme::kUniform) return torch::zeros({size});
  return initial_uniform(init, {size}, 1 / std::sqrt(static_cast<double>(fan_in)));
}

}  // namespace heterodyne::nn
