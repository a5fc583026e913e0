#include "heterodyne/ops/rows/cached_attention_cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kKeys = 32;  // that stay in the cache while all rows read them

// Of query row r, that of token r % S: which keys it sees.
struct Span {
  int64_t first, end;
};
HETERODYNE_INLINE Span span_of(const CachedGroup& group, int64_t r) {
  const int64_t end = group.P - group.S + r % group.S + 1;
  return {group.window > 0 ? std::max<int64_t>(0, end - group.window) : 0, end};
}

HETERODYNE_INLINE void scores(const CachedGroup& group, int64_t rows, float* score_RP) {
  const float scale = 1 / std::sqrt(static_cast<float>(group.C));
  int64_t before = 0;
  for (const CachedPart& part : group.parts) {
    for (int64_t block = 0; block < part.size; block += kKeys) {
      const int64_t last = std::min(block + kKeys, part.size);
      for (int64_t r = 0; r < rows; ++r) {
        const Span span = span_of(group, r);
        const int64_t begin = std::max(block, span.first - before), end = std::min(last, span.end - before);
        for (int64_t i = begin; i < end; ++i) {
          score_RP[r * group.P + before + i] =
              scale * dot(group.query + r * group.C, part.key + i * part.key_stride, group.C);
        }
      }
    }
    before += part.size;
  }
}

// What is in the span becomes its softmax; the sink takes its share.
HETERODYNE_INLINE void weights(float* score, int64_t size, const float* sink) {
  float largest = sink ? *sink : -std::numeric_limits<float>::infinity();
  bool is_odd = false;
  for (int64_t i = 0; i < size; ++i) {
    largest = std::max(largest, score[i]);
    is_odd |= score[i] != score[i];
  }
  if (is_odd) largest = std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = 0; i < size; ++i) score[i] = exp_below(score[i] - largest);
  const float sum = sum_of(score, size) + (sink ? exp_below(*sink - largest) : 0.0F);
  const float factor = 1 / sum;
  for (int64_t i = 0; i < size; ++i) score[i] *= factor;
}

HETERODYNE_INLINE void answers(const CachedGroup& group, int64_t rows, const float* score_RP) {
  std::fill(group.answer, group.answer + rows * group.C, 0.0F);
  int64_t before = 0;
  for (const CachedPart& part : group.parts) {
    for (int64_t block = 0; block < part.size; block += kKeys) {
      const int64_t last = std::min(block + kKeys, part.size);
      for (int64_t r = 0; r < rows; ++r) {
        const Span span = span_of(group, r);
        const int64_t begin = std::max(block, span.first - before), end = std::min(last, span.end - before);
        float* answer = group.answer + r * group.C;
        for (int64_t i = begin; i < end; ++i) {
          const float weight = score_RP[r * group.P + before + i];
          const float* value = part.value + i * part.value_stride;
          for (int64_t c = 0; c < group.C; ++c) answer[c] += weight * value[c];
        }
      }
    }
    before += part.size;
  }
}

}  // namespace

HETERODYNE_CLONES void attend_group(const CachedGroup& group, float* score_RP) {
  const int64_t rows = group.heads * group.S;
  scores(group, rows, score_RP);
  for (int64_t r = 0; r < rows; ++r) {
    const Span span = span_of(group, r);
    weights(score_RP + r * group.P + span.first, span.end - span.first,
            group.sink ? group.sink + r / group.S : nullptr);
  }
  answers(group, rows, score_RP);
}

}  // namespace heterodyne::ops::internal
