// The formats of compact matrices (compact_matrix.h), by themselves: kernels are compiled without LibTorch's headers.
#pragma once

#include <string_view>
#include <vector>

namespace heterodyne::ops {

enum class Compact { kBf16, kInt8, kInt8Columns };

/// "bf16", "int8", "int8_columns"
std::string_view name_of(Compact format);
const std::vector<Compact>& compact_formats();

}  // namespace heterodyne::ops
