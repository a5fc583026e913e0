// Cores, and the vector instructions that kernels are compiled for (base/clones.h) or that oneDNN uses.
#include <fmt/format.h>
#include <sched.h>

#include <fstream>

#include "cli/check.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

int64_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

// What the processor says it has; nothing where the system does not tell.
std::string processor_flags() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("flags")) return line + " ";
  }
  return "";
}

// The clone that is run, chosen as the compiler's own code chooses it.
const char* clone() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
#endif
  return "baseline";
}

std::vector<Finding> check_processor(const cli::Environment&) {
  const std::string flags = processor_flags();
  std::vector<std::string> more;
  if (flags.find(" avx512_bf16 ") != std::string::npos) more.emplace_back("bf16");
  if (flags.find(" amx_tile ") != std::string::npos) more.emplace_back("AMX");
  const std::string kernels = clone();
  const int64_t cores = usable_cores();
  const std::string text =
      fmt::format("{} core{}, kernels use {} instructions{}", cores, cores == 1 ? "" : "s", kernels,
                  more.empty() ? "" : "; the processor also has " + join(more) + " instructions");
  if (kernels == "baseline") return {{Health::kWarn, text, "a processor with AVX2 is several times as quick"}};
  return {{Health::kOk, text}};
}

}  // namespace

CheckKind check_kind_processor() { return {"cores and vector instructions", {}, check_processor}; }

}  // namespace heterodyne
