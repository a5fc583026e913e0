#include "heterodyne/ops/gates/any_gate_cpu.h"

#include <algorithm>
#include <cmath>

namespace heterodyne::ops::internal {
namespace {

template <class Scalar>
Scalar slope_of_sigmoid(Scalar x) {
  const Scalar a = 1 / (1 + std::exp(-x));
  return a * (1 - a);
}

}  // namespace

template <class Scalar>
int64_t any_gate_rows(const AnyGateArgs<Scalar>& args, Scalar* logit_TE, int32_t* expert_TE, int64_t* count_T,
                      int64_t begin, int64_t end) {
  const int64_t E = args.E;
  for (int64_t t = begin; t < end; ++t) {
    const Scalar* dot = args.dot_TE + t * E;
    Scalar* cosine = logit_TE + t * E;  // until the end
    const Scalar length = args.length_T[t];
    int64_t num_odd = 0;
    for (int64_t e = 0; e < E; ++e) {
      cosine[e] = dot[e] / length;
      num_odd += cosine[e] != cosine[e];
    }
    if (num_odd > 0) return t;
    int32_t* expert = expert_TE + t * E;
    int64_t count = 0;
    for (int64_t e = 0; e < E; ++e) {
      if (!(cosine[e] > args.threshold_E[e])) continue;
      int64_t place = count++;
      for (; place > 0 && cosine[e] > cosine[expert[place - 1]]; --place) expert[place] = expert[place - 1];
      expert[place] = static_cast<int32_t>(e);
    }
    if (count == 0 && args.takes_best && E > 0) {
      expert[count++] = static_cast<int32_t>(std::max_element(cosine, cosine + E) - cosine);
    }
    count_T[t] = count;
    for (int64_t e = 0; e < E; ++e) cosine[e] *= args.scale;
  }
  return -1;
}

template <class Scalar>
void any_gate_rows_back(const AnyGateArgs<Scalar>& args, const AnyGateBack<Scalar>& back, int64_t begin, int64_t end) {
  const int64_t E = args.E, K = back.K;
  const Scalar scale = args.scale;
  for (int64_t t = begin; t < end; ++t) {
    const Scalar* dot = args.dot_TE + t * E;
    const Scalar per_length = scale / args.length_T[t];
    Scalar* ddot = back.ddot_TE + t * E;
    Scalar turned = 0;  // sum of dlogit x dot
    for (int64_t e = 0; e < E; ++e) ddot[e] = back.dlogit_TE ? back.dlogit_TE[t * E + e] : 0;
    if (back.dlogit_TE) {
      for (int64_t e = 0; e < E; ++e) turned += ddot[e] * dot[e];
    }
    for (int64_t k = 0; k < K && back.dgate_TK; ++k) {
      const int64_t e = back.expert_TK[t * K + k];
      if (e < 0) break;
      const Scalar dgate = back.dgate_TK[t * K + k], threshold = args.threshold_E[e];
      const Scalar dlogit = dgate * slope_of_sigmoid(per_length * dot[e]);
      const Scalar dlimit = dgate * slope_of_sigmoid(scale * threshold);
      ddot[e] += dlogit;
      turned += dlogit * dot[e];
      back.sum_E1[e] -= static_cast<double>(dlimit * scale);
      back.sum_E1[E] -= static_cast<double>(dlimit * threshold);
    }
    for (int64_t e = 0; e < E; ++e) ddot[e] *= per_length;
    back.dlength_T[t] = -turned * per_length / args.length_T[t];
    back.sum_E1[E] += static_cast<double>(turned / args.length_T[t]);
  }
}

template int64_t any_gate_rows(const AnyGateArgs<float>&, float*, int32_t*, int64_t*, int64_t, int64_t);
template int64_t any_gate_rows(const AnyGateArgs<double>&, double*, int32_t*, int64_t*, int64_t, int64_t);
template void any_gate_rows_back(const AnyGateArgs<float>&, const AnyGateBack<float>&, int64_t, int64_t);
template void any_gate_rows_back(const AnyGateArgs<double>&, const AnyGateBack<double>&, int64_t, int64_t);

}  // namespace heterodyne::ops::internal
