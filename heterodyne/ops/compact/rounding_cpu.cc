#include "heterodyne/ops/compact/rounding_cpu.h"

#include <algorithm>
#include <limits>

#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/compact/byte_rows_cpu.h"

namespace heterodyne::ops::internal {
namespace {

constexpr float kLeast = 1e-30F;  // of the largest value that is not taken for zero
constexpr float kMostWhole = 32767, kMostByte = 127;

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

// The same for kScaled values and bytes; halves become even.
__attribute__((target("avx512f,avx512bw"))) float round_to_bytes(const float* from, uint8_t* to) {
  constexpr int kLanes = 16;
  const __m512i sign = _mm512_set1_epi32(0x7fffffff), zero = _mm512_set1_epi32(kByteZero);
  const __m512 a = _mm512_loadu_ps(from), b = _mm512_loadu_ps(from + kLanes);
  const __m512i most =
      _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(a), sign), _mm512_and_si512(_mm512_castps_si512(b), sign));
  const uint32_t bits = _mm512_reduce_max_epu32(most);
  const auto largest = std::bit_cast<float>(bits);
  const bool is_finite = bits < 0x7f800000U;
  const auto kept = static_cast<__mmask16>(is_finite ? 0xffff : 0);
  const __m512 per_step = _mm512_set1_ps(is_finite && largest > kLeast ? kMostByte / largest : 0);
  const auto bytes = [&](__m512 values) __attribute__((target("avx512f,avx512bw"))) {
    const __m512i whole = _mm512_cvtps_epi32(_mm512_maskz_mul_ps(kept, values, per_step));
    return _mm512_cvtepi32_epi8(_mm512_add_epi32(whole, zero));
  };
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes(a));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + kLanes), bytes(b));
  return is_finite ? largest / kMostByte : std::numeric_limits<float>::quiet_NaN();
}

#endif

void round_to_bytes(const float* row, int64_t I, uint8_t* to, float* scales) {
  for (int64_t first = 0; first < I; first += kScaled) {
    const int64_t count = std::min(kScaled, I - first);
#if defined(HETERODYNE_INTRINSICS)
    if (count == kScaled && has_byte_products()) {
      scales[first / kScaled] = round_to_bytes(row + first, to + first);
      continue;
    }
#endif
    scales[first / kScaled] = round_to_whole(row + first, count, kMostByte, kByteZero, to + first);
  }
  std::fill(to + I, to + round_to_4(I), static_cast<uint8_t>(kByteZero));
}

HETERODYNE_CLONES void round_to_whole(const float* row, int64_t I, int16_t* to, float* scales) {
  for (int64_t first = 0; first < I; first += kScaled) {
    const int64_t count = std::min(kScaled, I - first);
    scales[first / kScaled] = round_to_whole(row + first, count, kMostWhole, 0, to + first);
  }
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
    if (rounding == Rounding::kWhole) round_to_whole(row, I, reinterpret_cast<int16_t*>(to), scales);
    if (rounding == Rounding::kByte) round_to_bytes(row, I, reinterpret_cast<uint8_t*>(to), scales);
  }
}

}  // namespace heterodyne::ops::internal
