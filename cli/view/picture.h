// Picture: an image as lines of text.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne::cli {

/// One character, from blank over light, medium and dark shade to full, for the mean of each 1 x 2 block of pixels, so
/// that the picture keeps its proportions; at most `columns` wide. `image_CHW` is any floating-point image of at least
/// one pixel; channels are averaged, and the darkest of it is blank, the lightest full. An even image is blank.
std::vector<std::string> picture_lines(const torch::Tensor& image_CHW, int64_t columns);

}  // namespace heterodyne::cli
