// Memory that programs may still take.
#include <fmt/format.h>

#include <fstream>

#include "cli/check.h"

namespace heterodyne {
namespace {

constexpr uint64_t kLittleMemory = 1'000'000'000;  // CIFAR-10 and a small network take about half of it

std::vector<CheckResult> check_memory(const cli::Environment&) {
  std::ifstream file("/proc/meminfo");
  uint64_t total = 0, available = 0, kilobytes = 0;
  std::string unit;
  for (std::string key; file >> key >> kilobytes; std::getline(file, unit)) {
    if (key == "MemTotal:") total = kilobytes * 1024;
    if (key == "MemAvailable:") available = kilobytes * 1024;
  }
  if (total == 0) return {{Health::kNote, "memory: the system does not say how much there is"}};
  const std::string text = fmt::format("memory: {} of {} available", cli::size_text(available), cli::size_text(total));
  if (available < kLittleMemory)
    return {{Health::kWarn, text, "end other programs, or train with a smaller data.batch"}};
  return {{Health::kOk, text}};
}

}  // namespace

CheckKind check_kind_memory() { return {"available memory", {}, check_memory}; }

}  // namespace heterodyne
