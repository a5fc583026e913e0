#include "heterodyne/ops/row_attention_cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

template <class Scalar>
void add_scaled(Scalar* out, Scalar factor, const Scalar* in, int64_t size) {
  for (int64_t i = 0; i < size; ++i) out[i] += factor * in[i];
}

// Softmax of score over the keys that the mask leaves; all zeros when it leaves none.
template <class Scalar>
void softmax(Scalar* score, const bool* mask, int64_t length) {
  Scalar largest = -std::numeric_limits<Scalar>::infinity();
  for (int64_t s = 0; s < length; ++s) {
    if (!mask || mask[s]) largest = std::max(largest, score[s]);
  }
  Scalar sum = 0;
  for (int64_t s = 0; s < length; ++s) {
    score[s] = !mask || mask[s] ? std::exp(score[s] - largest) : Scalar(0);
    sum += score[s];
  }
  // Not `sum > 0`: a NaN must stay a NaN.
  const Scalar factor = sum == 0 ? Scalar(0) : 1 / sum;
  for (int64_t s = 0; s < length; ++s) score[s] *= factor;
}

}  // namespace

template <class Scalar>
void AttentionKernels<Scalar>::forward(const AttentionSequence<Scalar>& in, Scalar* o) {
  const int64_t head = in.width / in.num_heads;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head));
  for (int64_t row = 0; row < in.num_rows; ++row) {
    const int64_t num_keys = in.num_keys ? in.num_keys[row] : in.length;
    for (int64_t h = 0; h < in.num_heads; ++h) {
      Scalar* weight = in.weights + (row * in.num_heads + h) * in.length;
      const Scalar* keep = in.keep ? in.keep + (row * in.num_heads + h) * in.length : nullptr;
      const Scalar* q = in.q + row * in.width + h * head;
      for (int64_t s = 0; s < num_keys; ++s) weight[s] = scale * dot(q, in.k + s * in.key_stride + h * head, head);
      softmax(weight, in.mask, num_keys);
      Scalar* out = o + row * in.width + h * head;
      std::fill(out, out + head, Scalar(0));
      for (int64_t s = 0; s < num_keys; ++s) {
        add_scaled(out, keep ? weight[s] * keep[s] : weight[s], in.v + s * in.key_stride + h * head, head);
      }
    }
  }
}

template <class Scalar>
void AttentionKernels<Scalar>::backward(const AttentionSequence<Scalar>& in, const Scalar* d_o, Scalar* dq, Scalar* dk,
                                        Scalar* dv, Scalar* scratch) {
  const int64_t head = in.width / in.num_heads;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head));
  for (int64_t row = 0; row < in.num_rows; ++row) {
    const int64_t num_keys = in.num_keys ? in.num_keys[row] : in.length;
    for (int64_t h = 0; h < in.num_heads; ++h) {
      const Scalar* weight = in.weights + (row * in.num_heads + h) * in.length;
      const Scalar* keep = in.keep ? in.keep + (row * in.num_heads + h) * in.length : nullptr;
      const int64_t at = row * in.width + h * head;
      Scalar sum = 0;  // of weight x its gradient: what the softmax takes off
      for (int64_t s = 0; s < num_keys; ++s) {
        const int64_t key = s * in.key_stride + h * head;
        const Scalar factor = keep ? keep[s] : Scalar(1);
        add_scaled(dv + key, weight[s] * factor, d_o + at, head);
        scratch[s] = factor * dot(d_o + at, in.v + key, head);
        sum += weight[s] * scratch[s];
      }
      std::fill(dq + at, dq + at + head, Scalar(0));
      for (int64_t s = 0; s < num_keys; ++s) {
        const int64_t key = s * in.key_stride + h * head;
        const Scalar dscore = scale * weight[s] * (scratch[s] - sum);
        add_scaled(dq + at, dscore, in.k + key, head);
        add_scaled(dk + key, dscore, in.q + at, head);
      }
    }
  }
}

template struct AttentionKernels<float>;
template struct AttentionKernels<double>;

}  // namespace heterodyne::ops::internal
