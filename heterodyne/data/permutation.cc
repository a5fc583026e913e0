#include "heterodyne/data/permutation.h"

#include <numeric>
#include <utility>

namespace heterodyne {

std::vector<int64_t> permutation(int64_t count, const RandomStream& stream, RandomKey key) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i-- > 1;) std::swap(order[i], order[stream.below(key, i, i + 1)]);
  return order;
}

}  // namespace heterodyne
