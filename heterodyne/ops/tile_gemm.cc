#include "heterodyne/ops/tile_gemm.h"

#include <cstring>
#include <exception>

#include "heterodyne/ops/isa.h"

#if __has_include(<ATen/native/CPUBlas.h>)
#include <ATen/native/CPUBlas.h>
#endif

namespace heterodyne::ops {
namespace {

#if defined(CPUBLAS_BRGEMM_F32F32F32)
void tile_gemm_jit(const TileShape& shape, bool add, const float* a, const float* b, float* c) {
  at::native::cpublas::brgemm(shape.rows, shape.columns, shape.depth, shape.stride_a, shape.stride_b, shape.stride_c,
                              add, a, b, c, false);
}

bool try_jit_tile() {
  const float a[2] = {2, 3}, b[2] = {5, 7};
  float c = 0;
  try {
    tile_gemm_jit({1, 1, 2, 2, 1, 1}, false, a, b, &c);
  } catch (const std::exception&) {
    return false;
  }
  return c == 31;  // 2 x 5 + 3 x 7
}
#else
void tile_gemm_jit(const TileShape& shape, bool add, const float* a, const float* b, float* c) {
  internal::tile_gemm_generic(shape, add, a, b, c);
}

bool try_jit_tile() { return false; }
#endif

#if defined(CPUBLAS_BRGEMM_BF16BF16F32) && defined(__x86_64__)
void tile_gemm_pairs(const TileShape& shape, bool add, const uint16_t* a, const uint16_t* b, float* c) {
  at::native::cpublas::brgemm(shape.rows, shape.columns, shape.depth, shape.stride_a, shape.stride_b, shape.stride_c,
                              add, reinterpret_cast<const at::BFloat16*>(a), reinterpret_cast<const at::BFloat16*>(b),
                              c, true);
}

void release_pairs() { at::native::cpublas::brgemm_release(true); }

bool find_tile_unit() { return __builtin_cpu_supports("amx-bf16"); }

// Where the instruction is missing, what LibTorch offers throws, or would be slower than float32.
bool try_pairs() {
  if (!__builtin_cpu_supports("avx512bf16")) return false;
  const uint16_t two_three[2] = {0x4000, 0x4040}, five_seven[2] = {0x40a0, 0x40e0};
  float c = 0;
  try {
    tile_gemm_pairs({1, 1, 2, 2, 1, 1}, false, two_three, five_seven, &c);
    release_pairs();
  } catch (const std::exception&) {
    return false;
  }
  return c == 31;
}
#else
void tile_gemm_pairs(const TileShape&, bool, const uint16_t*, const uint16_t*, float*) {}

void release_pairs() {}

bool find_tile_unit() { return false; }

bool try_pairs() { return false; }
#endif

}  // namespace

bool has_bf16_tiles() {
  static const bool works = try_pairs();
  return works;
}

void tile_gemm_bf16(const TileShape& shape, bool add, const uint16_t* a, const uint16_t* b, float* c) {
  tile_gemm_pairs(shape, add, a, b, c);
}

bool has_tile_unit() {
  static const bool has = find_tile_unit();
  return has;
}

void release_bf16_tiles() {
  if (has_tile_unit()) release_pairs();
}

bool has_jit_tiles() {
  static const bool works = try_jit_tile();
  return works;
}

void tile_gemm(const TileShape& shape, bool add, const float* a, const float* b, float* c) {
  if (shape.rows <= 0 || shape.columns <= 0) return;
  if (shape.depth <= 0) {
    if (add) return;
    for (int64_t row = 0; row < shape.rows; ++row) {
      std::memset(c + row * shape.stride_c, 0, static_cast<size_t>(shape.columns) * sizeof(float));
    }
    return;
  }
  if (isa() >= Isa::kAvx2) {
    tile_gemm_jit(shape, add, a, b, c);
  } else {
    internal::tile_gemm_generic(shape, add, a, b, c);
  }
}

}  // namespace heterodyne::ops
