#include "heterodyne/ops/rows/rotate_cpu.h"

#include "heterodyne/base/clones.h"

namespace heterodyne::ops::internal {
namespace {

template <class Scalar>
HETERODYNE_INLINE void rotate_all(const RotateArgs<Scalar>& args, int64_t begin, int64_t end) {
  const Scalar sign = args.is_inverse ? Scalar(-1) : Scalar(1);
  for (int64_t token = begin; token < end; ++token) {
    const Scalar* __restrict cos = args.cos_SC + token % args.S * args.half;
    const Scalar* __restrict sin = args.sin_SC + token % args.S * args.half;
    for (int64_t head = 0; head < args.H; ++head) {
      const int64_t place = (token * args.H + head) * 2 * args.half;
      const Scalar* __restrict x = args.x_THC + place;
      Scalar* __restrict y = args.y_THC + place;
      for (int64_t i = 0; i < args.half; ++i) {
        const Scalar first = x[i], second = x[i + args.half], s = sign * sin[i];
        y[i] = first * cos[i] - second * s;
        y[i + args.half] = second * cos[i] + first * s;
      }
    }
  }
}

}  // namespace

HETERODYNE_CLONES void rotate_rows(const RotateArgs<float>& args, int64_t begin, int64_t end) {
  rotate_all(args, begin, end);
}

HETERODYNE_CLONES void rotate_rows(const RotateArgs<double>& args, int64_t begin, int64_t end) {
  rotate_all(args, begin, end);
}

}  // namespace heterodyne::ops::internal
