#include "heterodyne/data/permutation.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne {

std::vector<int64_t> permutation(int64_t count, const RandomStream& stream, RandomKey key) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i-- > 1;) std::swap(order[i], order[stream.below(key, i, i + 1)]);
  return order;
}

ShuffledRange::ShuffledRange(int64_t count, const RandomStream& stream, RandomKey key)
    : count_(static_cast<uint64_t>(count)),
      half_bits_(std::max(1, (static_cast<int>(std::bit_width(count_ - 1)) + 1) / 2)),
      stream_(stream),
      key_(key) {
  HETERODYNE_DCHECK(count > 0 && half_bits_ < 32);
}

int64_t ShuffledRange::at(int64_t index) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  auto number = static_cast<uint64_t>(index);
  do {
    uint64_t left = number >> half_bits_, right = number & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const RandomKey key{key_.seed, key_.step * kRounds + round};
      left = std::exchange(right, left ^ stream_.below(key, right, mask + 1));
    }
    number = left << half_bits_ | right;
  } while (number >= count_);
  return static_cast<int64_t>(number);
}

}  // namespace heterodyne
