#include "heterodyne/train/routing_record.h"

#include <fmt/format.h>

#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/eval/routing_file.h"

namespace heterodyne {

void RoutingRecord::write(int64_t step, const RoutingProfile& routing) {
  if (routing.layers.empty()) return;
  namespace fs = std::filesystem;
  try {
    write_routing((fs::path(folder_) / "routing.safetensors").string(), routing);
    if (!keeps_all_) return;
    std::error_code ignored;  // the write after it says what is wrong
    fs::create_directories(fs::path(folder_) / "routing", ignored);
    write_routing((fs::path(folder_) / "routing" / fmt::format("step-{:08}.safetensors", step)).string(), routing);
  } catch (const DeviceError& error) {
    if (!has_warned_) log_.warning(fmt::format("{}. The run goes on without its routing statistics", error.what()));
    has_warned_ = true;
  }
}

}  // namespace heterodyne
