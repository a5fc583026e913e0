// Products of whole numbers, and the scales of a panel's columns, in registers of sixteen values.
#pragma once

#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"

#if defined(HETERODYNE_INTRINSICS)
namespace heterodyne::ops::internal {

/// sum plus the products of four bytes of x, from 0 to 255, and of weight, from -128 to 127, in each of sixteen places.
/// As an instruction, since GCC 12 copies each sum of the intrinsic twice and writes one of them to memory in every
/// step of a loop.
__attribute__((target("avx512f,avx512vnni"))) inline __m512i plus_products(__m512i sum, __m512i x, __m512i weight) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(weight));
  return sum;
}
/// The same of two whole numbers of 16 bits.
__attribute__((target("avx512f,avx512vnni"))) inline __m512i plus_pair_products(__m512i sum, __m512i x,
                                                                                __m512i weight) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(weight));
  return sum;
}

/// Scales of all columns of a whole panel, for the inputs from `first` on, a multiple of kScaled.
__attribute__((target("avx512f"))) inline void load_scales(const CompactPanel& panel, int64_t first, __m512* to) {
  constexpr int kLanes = 16;
#pragma GCC unroll 4
  for (int v = 0; v < kPanel / kLanes; ++v) {
    if (panel.column_scales) {
      to[v] = _mm512_loadu_ps(panel.column_scales + v * kLanes);
    } else {
      const uint16_t* bits = panel.scales + first / kScaled * kPanel + v * kLanes;
      const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits));
      to[v] = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
    }
  }
}

}  // namespace heterodyne::ops::internal
#endif
