// Pictures as files for the tests of this room.
#pragma once

#include <cstdint>
#include <string>

#include "heterodyne/io/fixtures.h"

namespace heterodyne::fixtures {

/// A portable pixmap of one colour, but for the red of its first pixel, which is `mark`.
inline std::string plain_picture(int64_t height, int64_t width, char red, char green, char blue, char mark) {
  std::string bytes = "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
  for (int64_t i = 0; i < height * width; ++i) bytes += std::string{i == 0 ? mark : red, green, blue};
  return bytes;
}

/// Pictures of 4 x 4 in FOLDER/CLASS/, `count` of each of the classes "cat" and "dog".
inline void put_classes(const TemporaryFolder& root, const std::string& folder, int count) {
  for (int label = 0; label < 2; ++label) {
    for (int i = 0; i < count; ++i)
      root.put(folder + (label == 0 ? "/cat/" : "/dog/") + std::to_string(i) + ".ppm",
               plain_picture(4, 4, label == 0 ? '\x20' : '\x60', '\x40', '\x50', static_cast<char>(i)));
  }
}

}  // namespace heterodyne::fixtures
