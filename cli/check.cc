#include "cli/check.h"

#include <fmt/format.h>

#include <filesystem>

namespace heterodyne {

const char* health_name(Health health) {
  switch (health) {
    case Health::kNote:
      return "note";
    case Health::kOk:
      return "ok";
    case Health::kWarn:
      return "warn";
    case Health::kFix:
      break;
  }
  return "FIX";
}

CheckRegistry empty_checks() { return CheckRegistry("check"); }

namespace cli {

std::vector<CheckResult> run_check(const CheckKind& check, const Environment& environment) {
  try {
    return check.run(environment);
  } catch (const std::exception& error) {
    return {{Health::kWarn, fmt::format("not checked ({}): {}", check.summary, error.what())}};
  }
}

std::string size_text(uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size >= 1e9) return fmt::format("{:.1f} GB", size / 1e9);
  if (size >= 1e6) return fmt::format("{:.1f} MB", size / 1e6);
  return fmt::format("{:.1f} kB", size / 1e3);
}

std::string existing_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::absolute(path, error);
  while (!std::filesystem::is_directory(folder, error) && folder != folder.root_path()) folder = folder.parent_path();
  return folder.string();
}

}  // namespace cli
}  // namespace heterodyne
