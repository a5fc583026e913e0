// Random numbers by name and position instead of by order (Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3", Philox4x32-10).
//
// A draw is a pure function of (seed, stream name, step, row, column). So a new draw somewhere shifts no other, a
// resumed run needs only its step, a recomputed forward pass repeats its draws, and any number of threads gives the
// same bits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// The part of a draw's address that a whole forward pass shares.
struct RandomKey {
  uint64_t seed = 0;
  uint64_t step = 0;
};

/// -ln(-ln u) for u in the middle of the step of 2^-24 that begins at `uniform`: finite for every draw, the lowest and
/// the highest too.
float gumbel_of(float uniform);

class RandomStream {
 public:
  explicit RandomStream(std::string_view name);

  /// float32 in [0, 1), multiples of 2^-24, shape `sizes`, on the CPU. Element i is column i of row 0.
  torch::Tensor uniform(RandomKey key, torch::IntArrayRef sizes) const;
  /// Standard normal, float32, shape `sizes`, on the CPU (Box-Muller).
  torch::Tensor normal(RandomKey key, torch::IntArrayRef sizes) const;
  /// float32 in [0, 1), [N, width]: row n holds the draws of row `row_N[n]` (int64). Equal rows draw equally,
  /// whatever else is in the list.
  torch::Tensor uniform_rows(RandomKey key, const torch::Tensor& row_N, int64_t width) const;
  /// Standard normal, float32 [N, width], addressed like uniform_rows().
  torch::Tensor normal_rows(RandomKey key, const torch::Tensor& row_N, int64_t width) const;
  /// Standard Gumbel, float32 [N, width], addressed like uniform_rows().
  torch::Tensor gumbel_rows(RandomKey key, const torch::Tensor& row_N, int64_t width) const;
  /// A whole number in [0, bound), bound > 0, at `row`, column 0.
  uint64_t below(RandomKey key, uint64_t row, uint64_t bound) const;

 private:
  std::array<uint32_t, 2> philox_key(uint64_t seed) const;
  uint64_t name_hash_;
};

/// Where initial values come from: the seed and the dotted name of what is being made. Each parameter draws from
/// the stream "init.<name>", so the order of construction does not matter.
struct Init {
  uint64_t seed = 0;
  std::string name;

  Init at(std::string_view part) const {
    return {seed, name.empty() ? std::string(part) : name + "." + std::string(part)};
  }
  RandomStream stream() const { return RandomStream("init." + name); }
};

}  // namespace heterodyne
