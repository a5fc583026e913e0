// Which tensors the kernels on tile products take; the others go through LibTorch's operators.
#pragma once

#include "heterodyne/base/torch.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops {

/// float32 on a CPU, while a kernel path is in use (isa.h).
inline bool is_kernel_input(const torch::Tensor& value) {
  return isa() != Isa::kPlain && value.scalar_type() == torch::kFloat32 && value.device().is_cpu();
}

}  // namespace heterodyne::ops
