// Permutation: a random order as a pure function of its address, so that a resumed run finds the same one.
#pragma once

#include <cstdint>
#include <vector>

#include "heterodyne/base/random.h"

namespace heterodyne {

/// The numbers 0 .. count - 1, each order equally likely (Fisher and Yates 1938, in Durstenfeld's form). Draw i comes
/// from row i of the stream.
std::vector<int64_t> permutation(int64_t count, const RandomStream& stream, RandomKey key);

}  // namespace heterodyne
