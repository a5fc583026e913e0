// Rows as they are multiplied by compact matrices: rounded to bfloat16 or to whole numbers.
//
// Letters: I inputs.
#pragma once

#include <bit>
#include <cstdint>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops::internal {

constexpr int64_t kScaled = 32;  // inputs that share a scale

inline int64_t round_to_2(int64_t value) { return (value + 1) / 2 * 2; }
inline int64_t round_to_4(int64_t value) { return (value + 3) / 4 * 4; }
inline int64_t num_scaled(int64_t inputs) { return (inputs + kScaled - 1) / kScaled; }

enum class Rounding {
  kNone,
  kBf16,   // the nearest bfloat16: [I rounded up to 2], zeros beyond the last
  kWhole,  // whole numbers of 16 bits, laid out like that, then a float32 scale for each kScaled inputs
  kByte    // the same in 8 bits, kByteZero standing for zero: [I rounded up to 4]
};
constexpr int32_t kByteZero = 128;

/// Floats that a rounded row takes.
int64_t rounded_size(Rounding rounding, int64_t inputs);
/// Rows one after the other. In kWhole and kByte NaN and infinity make all that shares their scale NaN, and values that
/// share one and are not larger than 1e-30 become zeros.
void round_rows(Rounding rounding, const Block& from, float* to);

/// bfloat16 as its bits, the nearest to a float32, of two equally near the even one. NaN stays NaN.
HETERODYNE_INLINE uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : nearest);
}
HETERODYNE_INLINE float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace heterodyne::ops::internal
