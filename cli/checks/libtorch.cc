// LibTorch: the one that was loaded is the one heterodyne was built with, and of a supported version. The range is that
// of cmake/torch.cmake.
#include <ATen/Version.h>
#include <fmt/format.h>

#include "cli/check.h"
#include "heterodyne/base/text.h"
#include "heterodyne/base/version.h"

namespace heterodyne {
namespace {

// "2.13.0" as 2013: as far as the range looks.
int64_t minor_of(const std::string& version) {
  const auto parts = split(version, '.');
  return parts.size() < 2 ? 0 : std::stoll(parts[0]) * 1000 + std::stoll(parts[1]);
}

// The library says so among the settings of its own build; nothing when it does not.
std::string loaded_version() {
  const std::string key = "TORCH_VERSION=", settings = at::show_config();
  const size_t begin = settings.find(key);
  if (begin == std::string::npos) return "";
  const size_t from = begin + key.size();
  return settings.substr(from, settings.find_first_not_of("0123456789.", from) - from);
}

std::vector<CheckResult> check_libtorch(const cli::Environment&) {
  const std::string built = torch_version(), loaded = loaded_version();
  const std::string range = ">=" HETERODYNE_TORCH_MINIMUM ",<" HETERODYNE_TORCH_BELOW;
  if (!loaded.empty() && loaded != built)
    return {{Health::kFix, fmt::format("LibTorch {} is loaded, heterodyne was built with {}", loaded, built),
             "build again, or take another LibTorch out of LD_LIBRARY_PATH"}};
  const std::string text = fmt::format("LibTorch {} (supported {})", built, range);
  if (minor_of(built) < minor_of(HETERODYNE_TORCH_MINIMUM) || minor_of(built) >= minor_of(HETERODYNE_TORCH_BELOW))
    return {{Health::kFix, text, "tools/setup fetches a supported one; then build again"}};
  return {{Health::kOk, text}};
}

}  // namespace

CheckKind check_kind_libtorch() { return {"the version of LibTorch", {}, check_libtorch}; }

}  // namespace heterodyne
