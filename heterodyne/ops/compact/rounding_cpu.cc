#include "heterodyne/ops/compact/rounding_cpu.h"

#include <algorithm>
#include <limits>

#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/compact/byte_rows_cpu.h"

namespace heterodyne::ops::internal {
namespace {

constexpr float kLeast = 1e-30F;  // of the largest value that is not taken for zero

// Whole numbers of at most `most`, beside what stands for zero, and what they are multiples of.
template <class Whole>
HETERODYNE_INLINE float round_to_whole(const float* from, int64_t count, float most, int32_t zero, Whole* to) {
  uint32_t bits = 0;  // of the largest; those of NaN and infinity are larger than any number's
  for (int64_t i = 0; i < count; ++i) bits = std::max(bits, std::bit_cast<uint32_t>(from[i]) & 0x7fffffffU);
  const auto largest = std::bit_cast<float>(bits);
  const bool is_finite = bits < 0x7f800000U;
  const float per_step = is_finite && largest > kLeast ? most / largest : 0;
  for (int64_t i = 0; i < count; ++i) {
    const float value = is_finite ? from[i] * per_step : 0;
    to[i] = static_cast<Whole>(zero + static_cast<int32_t>(value + (value < 0 ? -0.5F : 0.5F)));
  }
  return is_finite ? largest / most : std::numeric_limits<float>::quiet_NaN();
}

#if defined(HETERODYNE_INTRINSICS)

// The same for kScaled values, bytes or whole numbers of 16 bits; halves become even.
template <class Whole>
__attribute__((target("avx512f,avx512bw"))) float round_all(const float* from, float most, int32_t zero, Whole* to) {
  constexpr int kLanes = 16;
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const __m512 values[] = {_mm512_loadu_ps(from), _mm512_loadu_ps(from + kLanes)};
  const uint32_t bits =
      _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(values[0]), magnitude),
                                               _mm512_and_si512(_mm512_castps_si512(values[1]), magnitude)));
  const auto largest = std::bit_cast<float>(bits);
  const bool is_finite = bits < 0x7f800000U;
  const auto kept = static_cast<__mmask16>(is_finite ? 0xffff : 0);
  const __m512 per_step = _mm512_set1_ps(is_finite && largest > kLeast ? most / largest : 0);
  for (const __m512 some : values) {
    const __m512i whole =
        _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_maskz_mul_ps(kept, some, per_step)), _mm512_set1_epi32(zero));
    if constexpr (sizeof(Whole) == 1) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(whole));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(whole));
    }
    to += kLanes;
  }
  return is_finite ? largest / most : std::numeric_limits<float>::quiet_NaN();
}

#endif

// kScaled values at a time.
template <class Whole>
HETERODYNE_INLINE void round_row(const float* row, int64_t I, float most, int32_t zero, Whole* to, float* scales) {
  for (int64_t first = 0; first < I; first += kScaled) {
    const int64_t count = std::min(kScaled, I - first);
#if defined(HETERODYNE_INTRINSICS)
    if (count == kScaled && has_byte_products()) {
      scales[first / kScaled] = round_all(row + first, most, zero, to + first);
      continue;
    }
#endif
    scales[first / kScaled] = round_to_whole(row + first, count, most, zero, to + first);
  }
}

void round_to_bytes(const float* row, int64_t I, uint8_t* to, float* scales) {
  round_row(row, I, 127, kByteZero, to, scales);
  std::fill(to + I, to + round_to_4(I), static_cast<uint8_t>(kByteZero));
}

HETERODYNE_CLONES void round_to_16_bits(const float* row, int64_t I, int16_t* to, float* scales) {
  round_row(row, I, 32767, 0, to, scales);
  if (I % 2 == 1) to[I] = 0;
}

HETERODYNE_CLONES void round_to_bf16(const float* row, int64_t I, uint16_t* to) {
  for (int64_t c = 0; c < I; ++c) to[c] = to_bf16(row[c]);
  if (I % 2 == 1) to[I] = 0;
}

}  // namespace

int64_t rounded_size(Rounding rounding, int64_t inputs) {
  switch (rounding) {
    case Rounding::kNone:
      return 0;
    case Rounding::kBf16:
      return round_to_2(inputs) / 2;
    case Rounding::kWhole:
      return round_to_2(inputs) / 2 + num_scaled(inputs);
    case Rounding::kByte:
      return round_to_4(inputs) / 4 + num_scaled(inputs);
  }
  return 0;
}

void round_rows(Rounding rounding, const Block& from, float* to) {
  const int64_t I = from.columns, floats = rounded_size(rounding, I);
  for (int64_t r = 0; r < from.rows && rounding != Rounding::kNone; ++r, to += floats) {
    const float* row = from.first + r * from.stride;
    float* scales = to + floats - num_scaled(I);  // of whole numbers
    if (rounding == Rounding::kBf16) round_to_bf16(row, I, reinterpret_cast<uint16_t*>(to));
    if (rounding == Rounding::kWhole) round_to_16_bits(row, I, reinterpret_cast<int16_t*>(to), scales);
    if (rounding == Rounding::kByte) round_to_bytes(row, I, reinterpret_cast<uint8_t*>(to), scales);
  }
}

}  // namespace heterodyne::ops::internal
