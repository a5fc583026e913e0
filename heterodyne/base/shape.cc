#include "heterodyne/base/shape.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

std::string dim_text(const Dim& dim) {
  if (dim.size < 0) return dim.letter;
  return dim.letter.empty() ? std::to_string(dim.size) : dim.letter + " = " + std::to_string(dim.size);
}

bool fits(const torch::Tensor& tensor, std::initializer_list<Dim> expected) {
  if (!tensor.defined() || tensor.dim() != static_cast<int64_t>(expected.size())) return false;
  int64_t axis = 0;
  for (const Dim& dim : expected) {
    if (dim.size >= 0 && tensor.size(axis) != dim.size) return false;
    ++axis;
  }
  return true;
}

}  // namespace

std::string shape_text(const torch::Tensor& tensor) {
  if (!tensor.defined()) return "none";
  std::vector<std::string> parts;
  for (const int64_t size : tensor.sizes()) parts.push_back(std::to_string(size));
  return "[" + join(parts) + "]";
}

void check_shape(const std::string& where, const std::string& what, const torch::Tensor& tensor,
                 std::initializer_list<Dim> expected) {
  if (fits(tensor, expected)) return;
  std::vector<std::string> parts;
  for (const Dim& dim : expected) parts.push_back(dim_text(dim));
  throw ShapeError(where, fmt::format("{}: expected [{}], got {}", what, join(parts), shape_text(tensor)));
}

}  // namespace heterodyne
