// Permutation: a random order as a pure function of its address, so that a resumed run finds the same one.
#pragma once

#include <cstdint>
#include <vector>

#include "heterodyne/base/random.h"

namespace heterodyne {

/// The numbers 0 .. count - 1, each order equally likely (Fisher and Yates 1938, in Durstenfeld's form). Draw i comes
/// from row i of the stream.
std::vector<int64_t> permutation(int64_t count, const RandomStream& stream, RandomKey key);

/// The numbers 0 .. count - 1 in another order, one at a time and without a list of them: a Feistel network over the
/// smallest domain of even bit length that holds them, walked until it comes back in range (Black and Rogaway 2002).
/// Eight rounds: with four, small ranges keep a trace of their order.
/// Different `key`s give different orders.
class ShuffledRange {
 public:
  /// 0 < count < 2^62.
  ShuffledRange(int64_t count, const RandomStream& stream, RandomKey key);

  /// 0 <= index < count; each number comes from exactly one index.
  int64_t at(int64_t index) const;

 private:
  static constexpr uint64_t kRounds = 8;
  uint64_t count_;
  int half_bits_;
  RandomStream stream_;
  RandomKey key_;
};

}  // namespace heterodyne
