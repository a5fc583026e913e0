#include "heterodyne/ops/panels.h"

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops {

torch::Tensor pack_panels(const torch::Tensor& matrix_OI) {
  check_shape("pack_panels", "matrix_OI", matrix_OI, {"outputs", "inputs"});
  if (matrix_OI.scalar_type() != torch::kFloat32 || !matrix_OI.device().is_cpu()) {
    throw ShapeError("pack_panels", "matrix_OI: expected float32 on a CPU, got another type or device");
  }
  const auto matrix = matrix_OI.detach().contiguous();
  const int64_t outputs = matrix.size(0), inputs = matrix.size(1);
  auto panels = torch::empty({matrix.numel()}, matrix.options());
  const float* from = matrix.const_data_ptr<float>();
  float* to = panels.data_ptr<float>();
  for_each_task(internal::num_panels(outputs), [&](int64_t p) {
    internal::pack_transposed(from, outputs, inputs, p, to + p * internal::kPanel * inputs,
                              internal::panel_width(outputs, p));
  });
  return panels;
}

}  // namespace heterodyne::ops
