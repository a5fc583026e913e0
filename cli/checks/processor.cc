// Cores, and the way in which matrix products are computed (ops/isa.h).
#include <fmt/format.h>
#include <sched.h>

#include <fstream>

#include "cli/check.h"
#include "cli/compute.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/tile_gemm.h"

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

std::string kernels() {
  switch (ops::isa()) {
    case ops::Isa::kPlain:
      return "no kernels of heterodyne's own";
    case ops::Isa::kGeneric:
      return "kernels use portable C++";
    case ops::Isa::kAvx2:
      return "kernels use AVX2 instructions";
    case ops::Isa::kAvx512:
      return "kernels use AVX-512 instructions";
  }
  return "";
}

std::vector<CheckResult> check_processor(const cli::Environment& environment) {
  try {
    cli::use_isa(environment);
  } catch (const Error& error) {
    return {{Health::kFix, error.what(), "unset HETERODYNE_ISA"}};
  }
  const std::string flags = processor_flags();
  std::vector<std::string> more;
  if (flags.find(" avx512_bf16 ") != std::string::npos) more.emplace_back("bf16");
  if (flags.find(" amx_tile ") != std::string::npos) more.emplace_back("AMX");
  const int64_t cores = usable_cores();
  const std::string text = fmt::format("{} core{}, {}{}", cores, cores == 1 ? "" : "s", kernels(),
                                       more.empty() ? "" : "; the processor also has " + join(more) + " instructions");
  if (environment.isa.empty() && ops::isa() < ops::Isa::kAvx2) {
    const char* fix = ops::has_jit_tiles() ? "a processor with AVX2 is several times as quick"
                                           : "a LibTorch that offers its micro-kernels is several times as quick";
    return {{Health::kWarn, text, fix}};
  }
  return {{Health::kOk, text}};
}

}  // namespace

CheckKind check_kind_processor() { return {"cores and vector instructions", {}, check_processor}; }

}  // namespace heterodyne
