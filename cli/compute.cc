#include "cli/compute.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/base/version.h"
#include "heterodyne/io/json.h"
#include "heterodyne/model/compact.h"
#include "heterodyne/model/network.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::cli {
namespace {

constexpr int64_t kMaxThreads = 1024;

int64_t threads_from(const std::string& text) {
  int64_t threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc() || end != text.data() + text.size() || threads < 1 || threads > kMaxThreads) {
    throw ConfigError("HETERODYNE_THREADS: expected 1 .. 1024, got \"" + text + "\"");
  }
  return threads;
}

// "cuda", "cuda:0", "cuda:12"
bool is_cuda(const std::string& text) {
  if (text == "cuda") return true;
  constexpr std::string_view kNumbered = "cuda:";
  return text.starts_with(kNumbered) && text.size() > kNumbered.size() && text.size() < kNumbered.size() + 4 &&
         std::all_of(text.begin() + kNumbered.size(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string operating_system() {
  utsname name{};
  return ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release + " " + name.machine : "unknown";
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

const std::string& ModelFlag::path(const std::string& verb) const {
  if (model.empty() && checkpoint_path.empty())
    throw ConfigError(
        fmt::format("{}: expected a run's folder or a checkpoint's, got none. See heterodyne {} --help", verb, verb));
  if (!model.empty() && !checkpoint_path.empty())
    throw ConfigError(
        fmt::format("{}: expected one model, got {} and --checkpoint_path {}", verb, model, checkpoint_path));
  return model.empty() ? checkpoint_path : model;
}

void apply(const ComputeFlags& flags, const Invocation& invocation) {
  invocation.terminal.set_quiet(flags.quiet);
  if (flags.no_progress) invocation.terminal.set_show_progress(false);
  if (flags.verbose) invocation.terminal.set_verbose(true);
  int64_t threads = flags.threads;
  if (threads > kMaxThreads) throw ConfigError("--threads: expected 0 .. 1024, got " + std::to_string(threads));
  if (threads == 0 && !invocation.environment.threads.empty()) threads = threads_from(invocation.environment.threads);
  use_isa(invocation.environment);
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

void use_isa(const Environment& environment) {
  if (environment.isa.empty()) return;
  const ops::Isa isa = ops::isa_of(environment.isa, "HETERODYNE_ISA");
  // LibTorch reads this at its first product.
  if (isa == ops::Isa::kAvx2) ::setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
  ops::set_isa(isa);
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr std::array kChoices = {"GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"};
  if (std::any_of(kChoices.begin(), kChoices.end(), [](const char* name) { return std::getenv(name) != nullptr; }))
    return;
  ::mallopt(M_MMAP_THRESHOLD, 256 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void return_freed_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

std::string device_of(const DeviceFlag& flag, const Environment& environment) {
  const std::string source = flag.device.empty() ? "HETERODYNE_DEVICE" : "--device";
  const std::string& device = flag.device.empty() ? environment.device : flag.device;
  if (device.empty() || device == "cpu") return "cpu";
  if (!is_cuda(device)) throw ConfigError(source + ": expected cpu, cuda or cuda:N, got \"" + device + "\"");
  const std::string why = at::hasCUDA() ? "heterodyne " + version() + " computes on the CPU only"
                                        : "LibTorch " + torch_version() + " finds no CUDA device here";
  throw DeviceError(source + ": expected cpu, got \"" + device + "\": " + why + ". Next: --device cpu");
}

void use_dtype(const std::string& dtype, Network& network, Terminal& terminal) {
  if (dtype == "float32") return;
  for (const ops::Compact format : ops::compact_formats()) {
    if (dtype != ops::name_of(format)) continue;
    const auto report = compact_weights(network, format);
    return_freed_memory();
    terminal.say(fmt::format("weights in {}: {} matrices, {:.1f} MB in the place of {:.1f} MB", dtype,
                             with_commas(report.num_matrices), static_cast<double>(report.bytes_after) / 1e6,
                             static_cast<double>(report.bytes_before) / 1e6));
  }
}

std::vector<std::string> data_folders(const ComputeFlags& flags, const Environment& environment) {
  std::vector<std::string> folders;
  if (!flags.data.empty()) folders.push_back(flags.data);
  if (!environment.data.empty()) folders.push_back(environment.data);
  folders.insert(folders.end(), {"data", "/usr/share/datasets"});
  return folders;
}

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

Table environment_table(const Environment& environment) {
  Array arguments;
  for (const auto& argument : environment.arguments) arguments.emplace_back(argument);
  return {{"version", version()},
          {"commit", commit()},
          {"torch", torch_version()},
          {"compiler", compiler()},
          {"processor", processor()},
          {"capability", at::get_cpu_capability()},
          {"kernels", std::string(ops::name_of(ops::isa()))},
          {"cores", static_cast<int64_t>(::sysconf(_SC_NPROCESSORS_ONLN))},
          {"threads", at::get_num_threads()},
          {"device", "cpu"},
          {"os", operating_system()},
          {"command", std::move(arguments)},
          {"environment", Table{{"HETERODYNE_RUNS", environment.runs},
                                {"HETERODYNE_DATA", environment.data},
                                {"HETERODYNE_THREADS", environment.threads},
                                {"HETERODYNE_ISA", environment.isa},
                                {"HETERODYNE_DEVICE", environment.device}}}};
}

std::string environment_json(const Environment& environment) {
  return io::write_json(environment_table(environment), 1) + "\n";
}

}  // namespace heterodyne::cli
