#include "heterodyne/ops/isa.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops {
namespace {

std::vector<Isa> probe() {
  std::vector<Isa> found{Isa::kPlain, Isa::kGeneric};
#if defined(__x86_64__)
  if (has_jit_tiles() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(Isa::kAvx2);
  if (has_jit_tiles() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    found.push_back(Isa::kAvx512);
  }
#endif
  return found;
}

// The probe and the choice: with scratch.h all that this library keeps between calls.
const std::vector<Isa>& probed() {
  static const std::vector<Isa> found = probe();
  return found;
}

std::atomic<Isa>& chosen() {
  static std::atomic<Isa> isa = probed().back();
  return isa;
}

std::string names_of(const std::vector<Isa>& all) {
  std::vector<std::string_view> names;
  for (const Isa each : all) names.push_back(name_of(each));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Isa isa() { return chosen(); }

std::vector<Isa> available_isas() { return probed(); }

void set_isa(Isa isa) {
  const auto& found = probed();
  if (std::find(found.begin(), found.end(), isa) == found.end()) {
    throw DeviceError("ops", fmt::format("instruction set: expected one of {} on this machine, got {}", names_of(found),
                                         name_of(isa)));
  }
  chosen() = isa;
}

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::kPlain:
      return "plain";
    case Isa::kGeneric:
      return "generic";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "";
}

Isa isa_of(const std::string& name, const std::string& where) {
  const std::vector<Isa> all{Isa::kPlain, Isa::kGeneric, Isa::kAvx2, Isa::kAvx512};
  for (const Isa each : all) {
    if (name == name_of(each)) return each;
  }
  throw ConfigError(where + fmt::format(": expected one of {}, got \"{}\"", names_of(all), name));
}

}  // namespace heterodyne::ops
