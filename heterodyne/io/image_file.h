// Image file: a picture as its pixels. PNG, JPEG, BMP, GIF and PPM are read by the library stb_image.
#pragma once

#include <string>

#include "heterodyne/base/torch.h"

namespace heterodyne::io {

/// Larger files are refused before they are decoded: no picture that a model here can use needs more.
inline constexpr int64_t kLargestImageFile = 64 << 20;
inline constexpr int64_t kMostPixels = 1 << 26;

/// uint8 [C, H, W], CPU; C is 1 for grey pictures and 3 for others, transparency left out. Throws FormatError when the
/// file is missing, too large, or no picture.
torch::Tensor read_image(const std::string& path);

}  // namespace heterodyne::io
