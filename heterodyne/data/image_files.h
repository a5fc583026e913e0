// ImageFiles: writes a data set's images as the files of another, so that what reads those can be tried without them.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/data/dataset.h"

namespace heterodyne {

struct ImageFile {
  std::string name;
  std::string bytes;
};

/// Images that were made up: `train` and `test` of them in the shape and the files of the set `kind`, drawn as the data
/// set "synthetic" draws them from `seed` (streams data.synthetic.*). CIFAR's training images are dealt out to its
/// files one after the other, as evenly as can be. Throws ConfigError when the set is read from no files or the numbers
/// are below 1 or `seed` below 0.
std::vector<ImageFile> synthetic_image_files(const std::string& kind, int64_t train, int64_t test, int64_t seed);

}  // namespace heterodyne
