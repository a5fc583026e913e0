#include "heterodyne/ops/gates/gate_cpu.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kGroup = 8;          // logits that are compared at once
constexpr int64_t kMost = 2 * kGroup;  // choices that are found so
constexpr int64_t kCandidates = 64;    // more than these are sorted in one by one

// Vectors as compilers know them for every machine: loops over so few values they unroll into single comparisons, and
// comparisons of longer vectors too (GCC 12).
using Floats = float __attribute__((vector_size(kGroup * sizeof(float))));
using Ints = int32_t __attribute__((vector_size(kGroup * sizeof(int32_t))));

HETERODYNE_INLINE void load(const float* from, Floats& to) { std::memcpy(&to, from, sizeof to); }

// Bit i says whether a comparison, -1 or 0 for each, held for value i.
HETERODYNE_INLINE uint32_t bits_of(const Ints& held) {
  constexpr Ints kBit{1, 2, 4, 8, 16, 32, 64, 128};
  const Ints bits = held & kBit;
  uint64_t pairs[kGroup / 2];
  std::memcpy(pairs, &bits, sizeof pairs);
  const uint64_t all = (pairs[0] | pairs[1]) | (pairs[2] | pairs[3]);
  return static_cast<uint32_t>(all | all >> 32);
}

// Sorts them in one by one: for few logits, many choices, or many that are equal. False for a NaN.
HETERODYNE_INLINE bool sort_in(const float* logits, int64_t count, int64_t k, int64_t* position_K, float* logit_K) {
  int64_t size = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float logit = logits[i];
    if (logit != logit) return false;
    if (size == k && !(logit > logit_K[k - 1])) continue;
    int64_t place = size < k ? size++ : k - 1;
    for (; place > 0 && logit > logit_K[place - 1]; --place) {
      logit_K[place] = logit_K[place - 1];
      position_K[place] = position_K[place - 1];
    }
    logit_K[place] = logit;
    position_K[place] = i;
  }
  return true;
}

// A bound that at least k of the logits reach, k <= kMost <= count: of sixteen interleaved parts each has a largest, so
// the k-th largest of those is one. NaN when a logit is.
HETERODYNE_INLINE float reached_by(const float* logits, int64_t count, int64_t k) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Floats part[2], group;
  load(logits, part[0]);
  load(logits + kGroup, part[1]);
  Ints nan = (part[0] != part[0]) | (part[1] != part[1]);
  const auto take = [&](Floats& largest) {
    nan |= group != group;
    largest = group > largest ? group : largest;
  };
  int64_t first = kMost;
  for (; first + kGroup <= count; first += kGroup) {
    load(logits + first, group);
    take(part[first / kGroup % 2]);
  }
  if (first < count) {
    float rest[kGroup];
    std::fill(rest, rest + kGroup, -kInfinity);
    std::memcpy(rest, logits + first, static_cast<size_t>(count - first) * sizeof(float));
    load(rest, group);
    take(part[0]);
  }
  if (bits_of(nan) != 0) return std::numeric_limits<float>::quiet_NaN();
  float largest[kMost];
  std::memcpy(largest, part, sizeof largest);
  Ints larger[2]{};  // how many parts' largest are
  for (const float other : largest) {
    larger[0] -= part[0] < other;
    larger[1] -= part[1] < other;
  }
  const Floats never = Floats{} + kInfinity;
  const auto few = static_cast<int32_t>(k);
  part[0] = larger[0] < few ? part[0] : never;
  part[1] = larger[1] < few ? part[1] : never;
  group = part[0] < part[1] ? part[0] : part[1];
  std::memcpy(largest, &group, sizeof group);
  for (int64_t half = kGroup / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) largest[i] = std::min(largest[i], largest[i + half]);
  }
  return largest[0];
}

struct Candidates {
  float logit[kCandidates + 2 * kGroup];
  int32_t position[kCandidates + kGroup];
  int64_t size = 0;

  void add(float value, int64_t at) {
    logit[size] = value;
    position[size++] = static_cast<int32_t>(at);
  }
};

// All logits of at least `bound`, in their order, and a group of the least number; stops when there are too many.
HETERODYNE_INLINE void collect(const float* logits, int64_t count, float bound, Candidates& found) {
  int64_t first = 0;
  Floats group;
  for (; first + kGroup <= count && found.size <= kCandidates; first += kGroup) {
    load(logits + first, group);
    for (uint32_t bits = bits_of(group >= bound); bits != 0; bits &= bits - 1) {
      const int64_t i = first + std::countr_zero(bits);
      found.add(logits[i], i);
    }
  }
  for (; first < count && found.size <= kCandidates; ++first) {
    if (logits[first] >= bound) found.add(logits[first], first);
  }
  std::fill(found.logit + found.size, found.logit + found.size + kGroup, -std::numeric_limits<float>::infinity());
}

// The place of each candidate is the number of those before it: larger ones, and equal ones of lower position.
HETERODYNE_INLINE void rank(const Candidates& found, int64_t k, int64_t* position_K, float* logit_K) {
  constexpr Ints kCounting{0, 1, 2, 3, 4, 5, 6, 7};
  for (int64_t first = 0; first < found.size; first += kGroup) {
    Floats mine;
    load(found.logit + first, mine);
    const Ints index = kCounting + static_cast<int32_t>(first);
    Ints before{};
    for (int64_t j = 0; j < found.size; ++j) {
      const float logit = found.logit[j];
      before -= (mine < logit) | ((mine == logit) & (index > static_cast<int32_t>(j)));
    }
    int32_t place[kGroup];
    std::memcpy(place, &before, sizeof place);
    const int64_t end = std::min(kGroup, found.size - first);
    for (int64_t i = 0; i < end; ++i) {
      if (place[i] >= k) continue;
      position_K[place[i]] = found.position[first + i];
      logit_K[place[i]] = found.logit[first + i];
    }
  }
}

}  // namespace

HETERODYNE_CLONES bool best_of_row(const float* logits, int64_t count, int64_t k, int64_t* position_K, float* logit_K) {
  if (k > kMost || count < 2 * kMost) return sort_in(logits, count, k, position_K, logit_K);
  const float bound = reached_by(logits, count, k);
  if (bound != bound) return false;
  Candidates found;
  collect(logits, count, bound, found);
  if (found.size > kCandidates) return sort_in(logits, count, k, position_K, logit_K);
  rank(found, k, position_K, logit_K);
  return true;
}

HETERODYNE_CLONES void log_sum_exp_of_rows(const float* logits, int64_t rows, int64_t count, const float* largest,
                                           int64_t stride, float* sums) {
  // No call between the rows: each can begin before the one before it has ended.
  for (int64_t r = 0; r < rows; ++r) sums[r] = sum_of_exponentials(logits + r * count, largest[r * stride], count);
  for (int64_t r = 0; r < rows; ++r) sums[r] = largest[r * stride] + std::log(sums[r]);
}

}  // namespace heterodyne::ops::internal
