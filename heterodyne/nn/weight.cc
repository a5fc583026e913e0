#include "heterodyne/nn/weight.h"

#include <ATen/ops/linear.h>
#include <fmt/format.h>

#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/nn/memory_claim.h"
#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/panels.h"

namespace heterodyne::nn {
namespace {

// Panels with a claim on their memory that lives as long; undefined where there is none to be had.
torch::Tensor claimed_panels(const torch::Tensor& matrix_OI) {
  const auto claim = claim_memory(static_cast<int64_t>(matrix_OI.nbytes()));
  if (!claim) return {};
  const auto panels = ops::pack_panels(matrix_OI);
  return torch::from_blob(panels.data_ptr(), panels.sizes(), [panels, claim](void*) {}, panels.options());
}

}  // namespace

Weight::Weight(torch::nn::Module& owner, const std::string& name, const torch::Tensor& matrix_OI)
    : matrix_OI_(owner.register_parameter(name, matrix_OI)) {
  check_shape("nn.weight", name, matrix_OI, {"outputs", "inputs"});
}

const torch::Tensor& Weight::matrix() const {
  if (compact_)
    throw Error(fmt::format("[nn.weight] expected values in float32, got {}", ops::name_of(compact_->format)));
  return matrix_OI_;
}

void Weight::compact(ops::Compact format) {
  compact_ = ops::compacted(matrix(), format);
  rounds_to_.reset();
  packed_ = {};
  rounded_ = {};
  matrix_OI_.set_requires_grad(false);
  matrix_OI_.mutable_grad() = torch::Tensor();
  // One value that stands for all: the shape stays, the memory goes.
  const auto nothing = torch::full({1, 1}, std::numeric_limits<float>::quiet_NaN());
  matrix_OI_.set_data(nothing.expand({matrix_OI_.size(0), matrix_OI_.size(1)}));
}

void Weight::round_to(ops::Compact format) {
  if (matrix().scalar_type() != torch::kFloat32)
    throw ShapeError("nn.weight", "expected float32 to round from, got " + shape_text(matrix_OI_));
  rounds_to_ = format;
  packed_ = {};
}

Weight::Source Weight::source() const {
  return {matrix_OI_.const_data_ptr(), static_cast<uint32_t>(matrix_OI_._version())};
}

const ops::CompactPointer& Weight::rounded() const {
  if (!rounded_.matrix || rounded_.source != source()) {
    rounded_ = {};
    rounded_ = {ops::compacted(matrix_OI_, *rounds_to_), source()};
  }
  return rounded_.matrix;
}

Weight::Operand Weight::operand() const {
  if (compact_) return {matrix_OI_, {}, compact_};
  if (rounds_to_) return {matrix_OI_, {}, rounded()};
  return {matrix_OI_, panels(), {}};
}

void Weight::assign(const torch::Tensor& matrix_OI) {
  check_shape("nn.weight", "assigned matrix", matrix_OI, {{"outputs", num_outputs()}, {"inputs", num_inputs()}});
  const torch::NoGradGuard no_grad;
  if (compact_) {
    compact_ = ops::compacted(matrix_OI.to(torch::kFloat32), compact_->format);
  } else {
    matrix_OI_.copy_(matrix_OI);
  }
}

torch::Tensor Weight::panels() const {
  if (compact_ || rounds_to_) return {};
  const bool is_read = ops::is_kernel_input(matrix_OI_) && !matrix_OI_.is_inference();
  if (torch::GradMode::is_enabled() || !is_read) {
    packed_ = {};
    return {};
  }
  if (!packed_.panels.defined() || packed_.source != source()) {
    packed_ = {};
    packed_ = {claimed_panels(matrix_OI_), source()};
  }
  return packed_.panels;
}

// Whether rows too few to pack a matrix for are worth panels that stay: text that is made token by token, where
// LibTorch's products of a matrix and a vector read memory at half its speed on some processors.
bool Weight::is_read_by_few(const torch::Tensor& x_NI) const {
  constexpr int64_t kLarge = 1 << 18;  // values
  return !torch::GradMode::is_enabled() && num_values() >= kLarge && x_NI.numel() > 0 && ops::is_kernel_input(x_NI);
}

torch::Tensor Weight::apply(const torch::Tensor& x_NI, const torch::Tensor& bias_O) const {
  auto sizes = x_NI.sizes().vec();
  if (!sizes.empty()) sizes.back() = num_outputs();
  if (compact_) return ops::compact_product(x_NI.reshape({-1, x_NI.size(-1)}), *compact_, bias_O).view(sizes);
  if (rounds_to_)
    return ops::compact_product(x_NI.reshape({-1, x_NI.size(-1)}), *rounded(), bias_O, matrix_OI_).view(sizes);
  const bool fits = x_NI.dim() > 0 && x_NI.size(-1) == num_inputs();
  const bool is_packed_anyway = fits && ops::can_run_linear(x_NI, matrix_OI_);
  const bool is_few = fits && !is_packed_anyway && is_read_by_few(x_NI);
  const auto packed = is_packed_anyway || is_few ? panels() : torch::Tensor();
  if (is_packed_anyway || packed.defined())
    return ops::linear_product(x_NI.reshape({-1, num_inputs()}), matrix_OI_, bias_O, packed).view(sizes);
  return at::linear(x_NI, matrix_OI_, bias_O.defined() ? std::optional(bias_O) : std::nullopt);
}

}  // namespace heterodyne::nn
