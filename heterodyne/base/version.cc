#include "heterodyne/base/version.h"

#include <torch/headeronly/version.h>

namespace heterodyne {

std::string version() { return HETERODYNE_VERSION; }
std::string commit() { return HETERODYNE_COMMIT; }

std::string torch_version() {
  return std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + "." +
         std::to_string(TORCH_VERSION_PATCH);
}

std::string compiler() {
#ifdef __clang__
  return "clang++ " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string version_line() {
  return "heterodyne " + version() + " (" + commit() + ") LibTorch " + torch_version() + " " + compiler();
}

}  // namespace heterodyne
