#include "cli/view/picture.h"

#include <ATen/ops/adaptive_avg_pool2d.h>

#include <algorithm>
#include <array>

namespace heterodyne::cli {

std::vector<std::string> picture_lines(const torch::Tensor& image_CHW, int64_t columns) {
  constexpr std::array<const char*, 5> kShades = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
  const int64_t height = image_CHW.size(1), width = image_CHW.size(2);
  const int64_t wide = std::clamp<int64_t>(columns, 1, width);
  const int64_t high = std::max<int64_t>(1, (height * wide + width) / (2 * width));
  const auto block_HW = at::adaptive_avg_pool2d(image_CHW.mean(0, true).to(torch::kFloat32), {high, wide})[0];
  const auto lowest = block_HW.min(), range = block_HW.max() - lowest;
  const auto shade_HW = range.item<float>() > 0 ? ((block_HW - lowest) / range * 4).round().to(torch::kInt64)
                                                : torch::zeros_like(block_HW, torch::kInt64);
  const auto shade = shade_HW.accessor<int64_t, 2>();
  std::vector<std::string> lines;
  for (int64_t y = 0; y < high; ++y) {
    std::string& line = lines.emplace_back();
    for (int64_t x = 0; x < wide; ++x) line += kShades[static_cast<size_t>(shade[y][x])];
  }
  return lines;
}

}  // namespace heterodyne::cli
