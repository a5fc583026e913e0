// The environment variables of heterodyne that are set: each is one that something reads, and sound.
#include <charconv>
#include <filesystem>

#include "cli/check.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne {
namespace {

const std::vector<std::string> kRead = {"HETERODYNE_RUNS", "HETERODYNE_DATA", "HETERODYNE_THREADS", "HETERODYNE_ISA",
                                        "HETERODYNE_DEVICE"};
// Read by tools/ and tests/, not by the program.
const std::vector<std::string> kOfTools = {"HETERODYNE_TORCH", "HETERODYNE_NO_APT", "HETERODYNE_PROGRAM",
                                           "HETERODYNE_README_EXAMPLE"};

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_thread_count(const std::string& text) {
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  return error == std::errc() && end == text.data() + text.size() && threads >= 1 && threads <= 1024;
}

bool is_isa(const std::string& text) {
  try {
    ops::isa_of(text, "");
  } catch (const ConfigError&) {
    return false;
  }
  return true;
}

CheckResult check(const std::string& name, const std::string& value) {
  const std::string text = name + "=" + write_value(value);
  if (holds(kOfTools, name)) return {Health::kOk, text};
  if (!holds(kRead, name)) {
    const std::string close = nearest(name, kRead);
    return {Health::kWarn, name + " is set, but nothing reads it" + (close.empty() ? "" : "; nearest: " + close),
            "unset " + name};
  }
  if (name == "HETERODYNE_THREADS" && !is_thread_count(value))
    return {Health::kFix, text + ": expected 1 .. 1024", "unset HETERODYNE_THREADS, or set it to a number of threads"};
  if (name == "HETERODYNE_ISA" && !is_isa(value))
    return {Health::kFix, text + ": expected plain, generic, avx2 or avx512", "unset HETERODYNE_ISA"};
  std::error_code ignored;
  if (name == "HETERODYNE_DATA" && !std::filesystem::is_directory(value, ignored))
    return {Health::kWarn, text + ": no such folder", "set it to a folder with data sets"};
  return {Health::kOk, text};
}

std::vector<CheckResult> check_variables(const cli::Environment& environment) {
  std::vector<CheckResult> findings;
  for (const auto& [name, value] : environment.variables) findings.push_back(check(name, value));
  if (findings.empty()) findings.push_back({Health::kOk, "no HETERODYNE_ variable is set; defaults hold"});
  return findings;
}

}  // namespace

CheckKind check_kind_variables() { return {"environment variables", {}, check_variables}; }

}  // namespace heterodyne
