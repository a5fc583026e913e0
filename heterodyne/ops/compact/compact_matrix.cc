#include "heterodyne/ops/compact/compact_matrix.h"

#include <ATen/ops/linear.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops {
namespace {

using internal::kPanel;
using internal::num_panels;

constexpr int64_t kRowBlock = 256;  // rows of a task
constexpr int64_t kSlab = 32;       // panels that are expanded at a time

// Columns of all panels.
int64_t stored_columns(int64_t outputs) {
  const int64_t last = num_panels(outputs) - 1;
  return outputs == 0 ? 0 : last * kPanel + internal::round_to_16(internal::panel_width(outputs, last));
}

// [N, size of a rounded row].
torch::Tensor rounded_rows(internal::Rounding rounding, const torch::Tensor& x_NI) {
  const int64_t N = x_NI.size(0), I = x_NI.size(1), size = internal::rounded_size(rounding, I);
  auto rounded = torch::empty({N, size}, torch::kFloat32);
  if (size == 0) return rounded;
  const float* from = x_NI.const_data_ptr<float>();
  float* to = rounded.data_ptr<float>();
  parallel_for(0, N, 16, [&](int64_t begin, int64_t end) {
    internal::round_rows(rounding, {from + begin * I, I, end - begin, I}, to + begin * size);
  });
  return rounded;
}

// The same of the transpose of x_IN.
torch::Tensor rounded_columns(internal::Rounding rounding, const torch::Tensor& x_IN) {
  const int64_t I = x_IN.size(0), N = x_IN.size(1), size = internal::rounded_size(rounding, I);
  auto rounded = torch::empty({N, size}, torch::kFloat32);
  const float* from = x_IN.const_data_ptr<float>();
  float* to = rounded.data_ptr<float>();
  for_each_task(num_panels(N), [&](int64_t p) {
    const int64_t width = internal::panel_width(N, p);
    float* turned = thread_scratch(kPanel * I);
    internal::transpose({from + p * kPanel, N, I, width}, turned, I);
    internal::round_rows(rounding, {turned, I, width, I}, to + p * kPanel * size);
  });
  return rounded;
}

struct ProductRows {
  const float* x;  // [N, I]; not read where they are rounded to bfloat16
  int64_t count;
  internal::Rounding rounding;
  torch::Tensor rounded;
};

void run_product(const ProductRows& all, const CompactMatrix& matrix, const float* bias, float* y) {
  const int64_t I = matrix.inputs, O = matrix.outputs;
  const int64_t blocks = (all.count + kRowBlock - 1) / kRowBlock, panels = num_panels(O);
  const float* rounded = all.rounded.const_data_ptr<float>();
  for_each_task(blocks * panels, [&](int64_t task) {
    const int64_t p = task % panels, first = task / panels * kRowBlock, count = std::min(kRowBlock, all.count - first);
    const auto panel = internal::panel_of(matrix, p);
    const internal::CompactRows rows{all.x ? all.x + first * I : nullptr,  I, count,
                                     y + first * O + p * kPanel,           O, all.rounding,
                                     rounded + first * all.rounded.size(1)};
    internal::compact_gemm(panel, rows, thread_scratch(internal::kCompactWork / static_cast<int64_t>(sizeof(float))));
    if (bias) internal::add_to_rows(bias + p * kPanel, {rows.y, O, count, panel.width});
  });
}

// float32 [outputs of these panels, I].
torch::Tensor expanded_panels(const CompactMatrix& matrix, int64_t first, int64_t count) {
  const int64_t I = matrix.inputs, O = std::min(matrix.outputs - first * kPanel, count * kPanel);
  auto all = torch::empty({O, I}, torch::kFloat32);
  float* to = all.data_ptr<float>();
  for_each_task(count, [&](int64_t p) {
    const auto panel = internal::panel_of(matrix, first + p);
    std::vector<float> values(static_cast<size_t>(I * panel.columns));
    internal::expand_panel(panel, 0, I, values.data());
    internal::transpose({values.data(), panel.columns, I, panel.width}, to + p * kPanel * I, I);
  });
  return all;
}

torch::Tensor product(const torch::Tensor& x_NI, const CompactMatrix& matrix, const torch::Tensor& bias_O) {
  const auto x = x_NI.detach().contiguous();
  if (isa() == Isa::kPlain)
    return at::linear(x, expanded(matrix), bias_O.defined() ? std::optional(bias_O.detach()) : std::nullopt);
  auto y_NO = torch::empty({x.size(0), matrix.outputs}, torch::kFloat32);
  const auto bias = bias_O.defined() ? bias_O.detach().contiguous() : bias_O;
  const auto rounding = internal::rounding_of(matrix.format, x.size(0));
  run_product({x.const_data_ptr<float>(), x.size(0), rounding, rounded_rows(rounding, x)}, matrix,
              bias.defined() ? bias.const_data_ptr<float>() : nullptr, y_NO.data_ptr<float>());
  return y_NO;
}

// Calls work(first output, float32 [some outputs, I]) a slab at a time, so that no whole copy lies in memory.
template <class Work>
void for_each_slab(const CompactMatrix& matrix, const Work& work) {
  for (int64_t first = 0, panels = num_panels(matrix.outputs); first < panels; first += kSlab)
    work(first * kPanel, expanded_panels(matrix, first, std::min(kSlab, panels - first)));
}

torch::Tensor gradient_of_rows(const torch::Tensor& dy_NO, const CompactMatrix& matrix) {
  if (num_panels(matrix.outputs) <= kSlab) return row_gradient(dy_NO, expanded(matrix));
  auto dx_NI = torch::zeros({dy_NO.size(0), matrix.inputs}, torch::kFloat32);
  for_each_slab(matrix, [&](int64_t first, const torch::Tensor& slab_OI) {
    dx_NI.add_(row_gradient(dy_NO.narrow(1, first, slab_OI.size(0)), slab_OI));
  });
  return dx_NI;
}

// Both gradients of a product whose rows were rounded to bfloat16, with both factors rounded to it.
torch::Tensor rounded_row_gradient(const torch::Tensor& dy_NO, const torch::Tensor& matrix_OI) {
  return product(dy_NO, *compacted_transpose(matrix_OI), {});
}
torch::Tensor rounded_matrix_gradient(const torch::Tensor& dy_NO, const torch::Tensor& x_NI) {
  constexpr auto kRounding = internal::Rounding::kBf16;
  auto gradient_OI = torch::empty({dy_NO.size(1), x_NI.size(1)}, torch::kFloat32);
  run_product({nullptr, dy_NO.size(1), kRounding, rounded_columns(kRounding, dy_NO)}, *compacted_transpose(x_NI),
              nullptr, gradient_OI.data_ptr<float>());
  return gradient_OI;
}

struct HeldMatrix : torch::CustomClassHolder {
  explicit HeldMatrix(const CompactMatrix& shared) : matrix(shared) {}
  CompactMatrix matrix;  // its tensors are shared, not copied
};

struct CompactProduct : torch::autograd::Function<CompactProduct> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x_NI,
                               const c10::intrusive_ptr<HeldMatrix>& held, const std::optional<torch::Tensor>& bias_O,
                               const std::optional<torch::Tensor>& learning_OI) {
    ctx->saved_data["matrix"] = c10::IValue::make_capsule(held);
    ctx->saved_data["has_bias"] = bias_O.has_value();
    if (learning_OI) ctx->save_for_backward({x_NI, *learning_OI});
    return product(x_NI, held->matrix, bias_O.value_or(torch::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.compact_product] there are no second derivatives");
    const auto held = ctx->saved_data["matrix"].toCapsule();
    const auto& matrix = static_cast<const HeldMatrix&>(*held).matrix;
    const auto dy_NO = grad[0].contiguous();
    const auto saved = ctx->get_saved_variables();
    const bool is_rounded = !saved.empty() && matrix.format == Compact::kBf16 &&
                            internal::rounding_of(matrix.format, dy_NO.size(0)) == internal::Rounding::kBf16;
    torch::autograd::variable_list all(4);
    if (ctx->needs_input_grad(0))
      all[0] = is_rounded ? rounded_row_gradient(dy_NO, saved[1]) : gradient_of_rows(dy_NO, matrix);
    // Tensors that are there are counted.
    const bool has_bias = ctx->saved_data["has_bias"].toBool();
    if (has_bias && ctx->needs_input_grad(1)) all[2] = dy_NO.sum(0);
    if (!saved.empty() && ctx->needs_input_grad(has_bias ? 2 : 1))
      all[3] = is_rounded ? rounded_matrix_gradient(dy_NO, saved[0]) : matrix_gradient(dy_NO, saved[0]);
    return all;
  }
};

}  // namespace

internal::CompactPanel internal::panel_of(const CompactMatrix& matrix, int64_t p) {
  const int64_t I = matrix.inputs, width = panel_width(matrix.outputs, p), before = p * kPanel;
  CompactPanel panel{matrix.format, I, width, round_to_16(width)};
  if (matrix.format == Compact::kBf16) {
    panel.pairs = static_cast<uint16_t*>(matrix.values_at) + before * round_to_2(I);
    return panel;
  }
  panel.bytes = static_cast<int8_t*>(matrix.values_at) + before * I;
  if (matrix.format == Compact::kInt8) {
    panel.scales = static_cast<uint16_t*>(matrix.scales_at) + before * num_scaled(I);
  } else {
    panel.column_scales = static_cast<float*>(matrix.scales_at) + before;
  }
  return panel;
}

std::string_view name_of(Compact format) {
  switch (format) {
    case Compact::kBf16:
      return "bf16";
    case Compact::kInt8:
      return "int8";
    case Compact::kInt8Columns:
      return "int8_columns";
  }
  return "";
}

const std::vector<Compact>& compact_formats() {
  static const std::vector<Compact> all{Compact::kBf16, Compact::kInt8, Compact::kInt8Columns};
  return all;
}

int64_t CompactMatrix::num_bytes() const {
  return static_cast<int64_t>(values.nbytes() + (scales.defined() ? scales.nbytes() : 0));
}

namespace {

torch::Tensor checked(const std::string& name, const torch::Tensor& matrix, const char* first, const char* second) {
  check_shape("compact_matrix", name, matrix, {first, second});
  if (matrix.scalar_type() != torch::kFloat32 || !matrix.device().is_cpu()) {
    throw ShapeError("compact_matrix", name + ": expected float32 on a CPU, got another type or device");
  }
  return matrix.detach().contiguous();
}

// Nothing but zeros.
std::shared_ptr<CompactMatrix> empty_matrix(int64_t O, int64_t I, Compact format) {
  auto matrix = std::make_shared<CompactMatrix>();
  matrix->format = format;
  matrix->outputs = O, matrix->inputs = I;
  const int64_t columns = stored_columns(O);
  if (format == Compact::kBf16) {
    matrix->values = torch::zeros({columns * internal::round_to_2(I)}, torch::kBFloat16);
  } else {
    matrix->values = torch::zeros({columns * I}, torch::kInt8);
    matrix->scales = format == Compact::kInt8 ? torch::zeros({columns * internal::num_scaled(I)}, torch::kBFloat16)
                                              : torch::zeros({columns}, torch::kFloat32);
    matrix->scales_at = matrix->scales.mutable_data_ptr();
  }
  matrix->values_at = matrix->values.mutable_data_ptr();
  return matrix;
}

}  // namespace

CompactPointer compacted(const torch::Tensor& matrix_OI, Compact format) {
  const auto from = checked("matrix_OI", matrix_OI, "outputs", "inputs");
  const int64_t O = from.size(0), I = from.size(1);
  const auto matrix = empty_matrix(O, I, format);
  const float* rows = from.const_data_ptr<float>();
  for_each_task(num_panels(O),
                [&](int64_t p) { internal::compact_panel(rows + p * kPanel * I, internal::panel_of(*matrix, p)); });
  return matrix;
}

CompactPointer compacted_transpose(const torch::Tensor& matrix_IO) {
  const auto from = checked("matrix_IO", matrix_IO, "inputs", "outputs");
  const int64_t I = from.size(0), O = from.size(1);
  const auto matrix = empty_matrix(O, I, Compact::kBf16);
  const float* first = from.const_data_ptr<float>();
  for_each_task(num_panels(O), [&](int64_t p) {
    const auto panel = internal::panel_of(*matrix, p);
    internal::round_to_pairs({first + p * kPanel, O, I, panel.width}, panel.columns, panel.pairs);
  });
  return matrix;
}

torch::Tensor expanded(const CompactMatrix& matrix) { return expanded_panels(matrix, 0, num_panels(matrix.outputs)); }

torch::Tensor rounded_values(const CompactMatrix& matrix) {
  if (matrix.format != Compact::kBf16)
    throw Error("compact_matrix",
                fmt::format("expected bf16 to give values back as they are, got {}", name_of(matrix.format)));
  auto all = torch::empty({matrix.outputs, matrix.inputs}, torch::kBFloat16);
  for_each_slab(matrix, [&](int64_t first, const torch::Tensor& slab_OI) {
    all.narrow(0, first, slab_OI.size(0)).copy_(slab_OI);
  });
  return all;
}

torch::Tensor expanded_rows(const CompactMatrix& matrix, const torch::Tensor& index) {
  const auto flat = index.to(torch::kInt64).contiguous().view(-1);
  const int64_t N = flat.numel(), I = matrix.inputs;
  auto rows = torch::empty({N, I}, torch::kFloat32);
  const int64_t* indices = flat.const_data_ptr<int64_t>();
  float* to = rows.data_ptr<float>();
  parallel_for(0, N, 16, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      HETERODYNE_DCHECK(indices[n] >= 0 && indices[n] < matrix.outputs);
      internal::expand_column(internal::panel_of(matrix, indices[n] / kPanel), indices[n] % kPanel, to + n * I);
    }
  });
  auto sizes = index.sizes().vec();
  sizes.push_back(I);
  return rows.view(sizes);
}

torch::Tensor compact_product(const torch::Tensor& x_NI, const CompactMatrix& matrix, const torch::Tensor& bias_O,
                              const torch::Tensor& learning_OI) {
  check_shape("compact_product", "x_NI", x_NI, {"N", {"I", matrix.inputs}});
  if (bias_O.defined()) check_shape("compact_product", "bias_O", bias_O, {{"O", matrix.outputs}});
  if (x_NI.scalar_type() != torch::kFloat32 || !x_NI.device().is_cpu()) {
    throw ShapeError("compact_product", "x_NI: expected float32 on a CPU, got another type or device");
  }
  if (learning_OI.defined())
    check_shape("compact_product", "learning_OI", learning_OI, {{"O", matrix.outputs}, {"I", matrix.inputs}});
  const auto learns = [](const torch::Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); };
  const bool is_recorded = learns(x_NI) || learns(bias_O) || learns(learning_OI);
  if (!torch::GradMode::is_enabled() || !is_recorded) return product(x_NI, matrix, bias_O);
  const auto if_any = [](const torch::Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; };
  return CompactProduct::apply(x_NI, c10::make_intrusive<HeldMatrix>(matrix), if_any(bias_O),
                               learns(learning_OI) ? std::optional(learning_OI) : std::nullopt);
}

}  // namespace heterodyne::ops
