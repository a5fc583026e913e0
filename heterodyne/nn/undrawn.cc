#include "heterodyne/nn/undrawn.h"

#include <limits>

namespace heterodyne::nn {
namespace {

thread_local bool is_under_way = false;

}  // namespace

Undrawn::Undrawn() : before_(is_under_way) { is_under_way = true; }

Undrawn::~Undrawn() { is_under_way = before_; }

bool is_undrawn() { return is_under_way; }

torch::Tensor undrawn_values(torch::IntArrayRef sizes) {
  auto values = torch::empty(sizes, torch::kFloat32);
#ifndef NDEBUG
  values.fill_(std::numeric_limits<float>::quiet_NaN());
#endif
  return values;
}

}  // namespace heterodyne::nn
