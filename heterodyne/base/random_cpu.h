// The kernel behind RandomStream: raw pointers, one range of columns of one row.
#pragma once

#include <array>
#include <cstdint>

namespace heterodyne::internal {

/// Four words of random bits: Philox4x32 with ten rounds.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

struct PhiloxRow {
  std::array<uint32_t, 2> key;
  uint64_t row;
  uint64_t step;
};

/// Writes the draws of columns [begin, end) of a row as float32 in [0, 1) to out[0 .. end - begin).
void philox_uniform(const PhiloxRow& row, uint64_t begin, uint64_t end, float* out);

}  // namespace heterodyne::internal
