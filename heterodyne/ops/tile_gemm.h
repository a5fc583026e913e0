// Tile product: C = A B or C += A B for matrices that fit into a cache, float32, one thread. What every larger product
// of ours is made of.
//
// This is the one place that knows the micro-kernels which LibTorch makes when it runs (oneDNN's "brgemm"; exported by
// libtorch_cpu, but not documented). Where they are missing a tile product in portable C++ takes their place.
#pragma once

#include <cstdint>

namespace heterodyne::ops {

/// Row-major matrices: A is rows x depth, B depth x columns, C rows x columns; strides are elements between rows.
struct TileShape {
  int64_t rows, columns, depth;
  int64_t stride_a, stride_b, stride_c;
};

/// C = A B, or C += A B when `add`. Sizes may be zero: a product over nothing is zero. The bits of a row of C depend on
/// that row of A, on B and on C's width, and not on how many rows come with it. NaN and infinity propagate.
void tile_gemm(const TileShape& shape, bool add, const float* a, const float* b, float* c);

/// Whether this LibTorch offers its micro-kernels and one of them works here. Asked once.
bool has_jit_tiles();

/// The same for factors in bfloat16 and sums in float32. A is rows x depth with an even depth. B holds pairs of its
/// rows: [depth / 2, columns, 2]; stride_b counts columns of the unpacked matrix, and `depth` both rows of a pair. Only
/// where has_bf16_tiles().
void tile_gemm_bf16(const TileShape& shape, bool add, const uint16_t* a, const uint16_t* b, float* c);
/// At the end of a thread's products: where the processor has a unit for tiles it is given back.
void release_bf16_tiles();
/// Whether the processor multiplies bfloat16 and LibTorch's micro-kernels for it work here. Asked once.
bool has_bf16_tiles();
/// Whether they are made by a unit for whole tiles (AMX), many times as fast as vectors. Asked once.
bool has_tile_unit();

namespace internal {
/// The product in portable C++, for machines without the others and for their tests.
void tile_gemm_generic(const TileShape& shape, bool add, const float* a, const float* b, float* c);
}  // namespace internal

}  // namespace heterodyne::ops
