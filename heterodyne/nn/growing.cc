#include "heterodyne/nn/growing.h"

#include <ATen/ops/cat.h>

namespace heterodyne::nn {
namespace {

constexpr int64_t kRecent = 64;  // rows that are copied with each one that is added

torch::Tensor behind(const torch::Tensor& first, const torch::Tensor& second, int64_t dim) {
  if (!first.defined()) return second;
  return second.defined() ? at::cat({first, second}, dim) : first;
}

}  // namespace

int64_t Growing::size(int64_t dim) const {
  return (old.defined() ? old.size(dim) : 0) + (recent.defined() ? recent.size(dim) : 0);
}

torch::Tensor Growing::joined(int64_t dim) const { return behind(old, recent, dim); }

Growing Growing::with(const torch::Tensor& more, int64_t dim) const {
  const auto grown = behind(recent, more, dim);
  if (grown.size(dim) < kRecent) return {old, grown};
  return {behind(old, grown, dim), {}};
}

}  // namespace heterodyne::nn
