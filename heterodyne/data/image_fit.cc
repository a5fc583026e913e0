#include "heterodyne/data/image_fit.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

constexpr int64_t kImagesAtATime = 1000;  // so that only they are held as float32

torch::Tensor resized(const torch::Tensor& pixel_NCHW, int64_t size) {
  const int64_t N = pixel_NCHW.size(0);
  auto out_NCHW = at::empty({N, pixel_NCHW.size(1), size, size}, pixel_NCHW.options());
  for (int64_t begin = 0; begin < N; begin += kImagesAtATime) {
    const int64_t count = std::min(kImagesAtATime, N - begin);
    const auto part = pixel_NCHW.narrow(0, begin, count).to(torch::kFloat32);
    out_NCHW.narrow(0, begin, count).copy_(at::upsample_bilinear2d(part, {size, size}, false).round().clamp(0, 255));
  }
  return out_NCHW;
}

}  // namespace

DataShape ImageFit::shape(DataShape files, const std::string& where) const {
  if (channels > 0 && files.channels != 1 && files.channels != channels)
    throw ConfigError(where, "fit.channels",
                      fmt::format("expected 0 or {}, as the images have, got {}", files.channels, channels));
  if (channels > 0) files.channels = channels;
  if (size > 0) files.height = files.width = size;
  return files;
}

Normalize ImageFit::normalize(Normalize given) const {
  for (auto* list : {&given.mean, &given.std}) {
    if (channels > 0 && list->size() == 1) list->assign(static_cast<size_t>(channels), list->front());
  }
  return given;
}

ImageSet ImageFit::apply(ImageSet images) const {
  auto& pixels = images.pixel_NCHW;
  if (size > 0 && (pixels.size(2) != size || pixels.size(3) != size)) pixels = resized(pixels, size);
  if (channels > 0 && pixels.size(1) == 1) pixels = pixels.expand({-1, channels, -1, -1}).contiguous();
  return images;
}

}  // namespace heterodyne
