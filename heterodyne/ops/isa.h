// Isa: which of the ways to compute the matrix products of this house is in use.
//
// The choice is made once, from what the processor can do, and can be forced for tests and measurements; the command
// line program does that with HETERODYNE_ISA. Every way gives the same answers up to rounding; the last bits differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::ops {

enum class Isa {
  kPlain,    // LibTorch's operators one after the other, without kernels of ours: the reference
  kGeneric,  // our kernels on a tile product in portable C++
  kAvx2,     // our kernels on the tile products that LibTorch makes when it runs, 8 values at a time
  kAvx512    // the same, 16 values at a time
};

/// The one in use.
Isa isa();
/// What this processor and this LibTorch can do, the widest last.
std::vector<Isa> available_isas();
/// Uses another from now on. Throws DeviceError when it is not available, naming those that are. LibTorch's own choice
/// between AVX2 and AVX-512 is made at its first product, so a program that wants kAvx2 on a wider machine also has to
/// set ONEDNN_MAX_CPU_ISA=AVX2 before.
void set_isa(Isa isa);

/// "plain", "generic", "avx2", "avx512"
std::string_view name_of(Isa isa);
/// Throws ConfigError about `where` when there is no such name.
Isa isa_of(const std::string& name, const std::string& where);

}  // namespace heterodyne::ops
