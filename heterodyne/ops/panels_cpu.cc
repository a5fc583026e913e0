#include "heterodyne/ops/panels_cpu.h"

#include <algorithm>
#include <cstring>

#include "heterodyne/base/clones.h"
#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/rows/streamed_gemm_cpu.h"
#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kSquare = 16;

void transpose_any(const Block& from, float* to, int64_t stride) {
  for (int64_t r = 0; r < from.rows; ++r) {
    for (int64_t c = 0; c < from.columns; ++c) to[c * stride + r] = from.first[r * from.stride + c];
  }
}

void square_portable(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  float square[kSquare][kSquare];
  for (int64_t r = 0; r < kSquare; ++r) {
    for (int64_t c = 0; c < kSquare; ++c) square[c][r] = from[r * from_stride + c];
  }
  for (int64_t c = 0; c < kSquare; ++c) std::memcpy(to + c * to_stride, square[c], sizeof square[c]);
}

#if defined(HETERODYNE_INTRINSICS)
// 16 rows of 16 values in registers: pairs, then fours, then the quarters of the registers change places.
__attribute__((target("avx512f"))) void square_avx512(const float* from, int64_t from_stride, float* to,
                                                      int64_t to_stride) {
  __m512 r[16], t[16];
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_ps(from + i * from_stride);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(t[4 * i]), b = _mm512_castps_pd(t[4 * i + 2]);
    const __m512d c = _mm512_castps_pd(t[4 * i + 1]), d = _mm512_castps_pd(t[4 * i + 3]);
    r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
    r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
    r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm512_storeu_ps(to + i * to_stride, _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88));
    _mm512_storeu_ps(to + (8 + i) * to_stride, _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd));
    _mm512_storeu_ps(to + (4 + i) * to_stride, _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88));
    _mm512_storeu_ps(to + (12 + i) * to_stride, _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd));
  }
}

__attribute__((target("avx2"))) void eight_avx2(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(from + i * from_stride);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[4 + i], 0x20));
    _mm256_storeu_ps(to + (4 + i) * to_stride, _mm256_permute2f128_ps(r[i], r[4 + i], 0x31));
  }
}

void square_avx2(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  for (int64_t r = 0; r < kSquare; r += 8) {
    for (int64_t c = 0; c < kSquare; c += 8) {
      eight_avx2(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
  }
}
#endif

using Square = void (*)(const float*, int64_t, float*, int64_t);

Square square_of(Isa isa) {
#if defined(HETERODYNE_INTRINSICS)
  if (isa == Isa::kAvx512) return square_avx512;
  if (isa == Isa::kAvx2) return square_avx2;
#endif
  static_cast<void>(isa);
  return square_portable;
}

constexpr int64_t kRowBlock = 64;  // of a tile product

}  // namespace

void rows_gemm(const TileShape& shape, bool add, const float* a, const float* b, float* c) {
  for (int64_t row = 0; row < shape.rows; row += kRowBlock) {
    TileShape block = shape;
    block.rows = std::min(kRowBlock, shape.rows - row);
    tile_gemm(block, add, a + row * shape.stride_a, b, c + row * shape.stride_c);
  }
}

void panel_gemm(const PanelGemm& by, int64_t p, const Rows& rows, float* packed) {
  const int64_t width = panel_width(by.outputs, p);
  if (by.panels == nullptr) pack_transposed(by.matrix_OI, by.outputs, by.inputs, p, packed, width);
  const float* panel = by.panels ? by.panels + p * kPanel * by.inputs : packed;
  const TileShape shape{rows.count, width, by.inputs, by.inputs, width, rows.stride_y};
  const bool is_streamed = by.panels != nullptr && width == kPanel;
  (is_streamed ? streamed_gemm : rows_gemm)(shape, false, rows.x, panel, rows.y);
}

void transpose(const Block& from, float* to, int64_t stride) {
  const Square square = square_of(isa());
  const int64_t rows = from.rows / kSquare * kSquare, columns = from.columns / kSquare * kSquare;
  for (int64_t c = 0; c < columns; c += kSquare) {
    for (int64_t r = 0; r < rows; r += kSquare) {
      square(from.first + r * from.stride + c, from.stride, to + c * stride + r, stride);
    }
  }
  if (columns < from.columns) {
    transpose_any({from.first + columns, from.stride, rows, from.columns - columns}, to + columns * stride, stride);
  }
  if (rows < from.rows) {
    transpose_any({from.first + rows * from.stride, from.stride, from.rows - rows, from.columns}, to + rows, stride);
  }
}

void transpose_padded(const Block& from, int64_t padded, float* to) {
  transpose(from, to, padded);
  for (int64_t c = 0; c < from.columns && padded > from.rows; ++c) {
    std::memset(to + c * padded + from.rows, 0, static_cast<size_t>(padded - from.rows) * sizeof(float));
  }
}

HETERODYNE_CLONES void sum_rows(const Block& from, const float* weight, bool add, float* to) {
  if (!add) std::memset(to, 0, static_cast<size_t>(from.columns) * sizeof(float));
  for (int64_t r = 0; r < from.rows; ++r) {
    const float factor = weight ? weight[r] : 1.0F;
    for (int64_t c = 0; c < from.columns; ++c) to[c] += factor * from.first[r * from.stride + c];
  }
}

HETERODYNE_CLONES void add_to_rows(const float* values, const MutableBlock& rows) {
  for (int64_t r = 0; r < rows.rows; ++r) {
    for (int64_t c = 0; c < rows.columns; ++c) rows.first[r * rows.stride + c] += values[c];
  }
}

HETERODYNE_CLONES void add_scaled(const float* row, float factor, int64_t width, float* to) {
  for (int64_t c = 0; c < width; ++c) to[c] += factor * row[c];
}

HETERODYNE_CLONES void add_to_columns(const float* values, const MutableBlock& rows) {
  for (int64_t r = 0; r < rows.rows; ++r) {
    for (int64_t c = 0; c < rows.columns; ++c) rows.first[r * rows.stride + c] += values[r];
  }
}

void copy(const Block& from, float* to, int64_t stride) {
  const auto bytes = static_cast<size_t>(from.columns) * sizeof(float);
  for (int64_t r = 0; r < from.rows; ++r) std::memcpy(to + r * stride, from.first + r * from.stride, bytes);
}

void gather_rows(const Gather& gather, float* to) {
  const int64_t width = gather.width;
  const auto bytes = static_cast<size_t>(width) * sizeof(float);
  for (int64_t i = 0; i < gather.rows; ++i) std::memcpy(to + i * width, gather.x_TD + gather.token_N[i] * width, bytes);
  if (gather.padded > gather.rows) {
    std::memset(to + gather.rows * width, 0, static_cast<size_t>(gather.padded - gather.rows) * bytes);
  }
}

void gather_panels(const Gather& gather, float* to) {
  for (int64_t q = 0; q < num_panels(gather.width); ++q) {
    const int64_t width = panel_width(gather.width, q);
    const auto bytes = static_cast<size_t>(width) * sizeof(float);
    float* panel = to + q * kPanel * gather.padded;
    for (int64_t i = 0; i < gather.rows; ++i) {
      std::memcpy(panel + i * width, gather.x_TD + gather.token_N[i] * gather.width + q * kPanel, bytes);
    }
    std::memset(panel + gather.rows * width, 0, static_cast<size_t>(gather.padded - gather.rows) * bytes);
  }
}

}  // namespace heterodyne::ops::internal
