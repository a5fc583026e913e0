// What tests that read and write files share. No part of the library includes this.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace heterodyne::fixtures {

/// A folder of its own for one test, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "heterodyne-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) == nullptr ? std::string() : name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  /// Writes a file, its folders included, without waiting for the disk. Returns its path.
  std::string put(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }

 private:
  std::string path_;
};

/// Where `path` lies among the real data: `shared/data` beside the source tree, which is looked for upwards from the
/// working folder, then the folder that HETERODYNE_DATA names. A test without its data says GTEST_SKIP().
inline std::optional<std::string> find_real_data(const std::string& path) {
  std::error_code ignored;
  for (auto folder = std::filesystem::current_path(); folder != folder.root_path(); folder = folder.parent_path()) {
    const auto candidate = folder / "shared" / "data" / path;
    if (std::filesystem::exists(candidate, ignored)) return candidate.string();
  }
  const char* named = std::getenv("HETERODYNE_DATA");
  if (named == nullptr) return std::nullopt;
  const auto candidate = std::filesystem::path(named) / path;
  if (std::filesystem::exists(candidate, ignored)) return candidate.string();
  return std::nullopt;
}

}  // namespace heterodyne::fixtures
