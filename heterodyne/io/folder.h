// Folders as users name them.
#pragma once

#include <string>

namespace heterodyne::io {

/// The path without slashes at its end, so that other names can be made of it; "/" stays.
inline std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace heterodyne::io
