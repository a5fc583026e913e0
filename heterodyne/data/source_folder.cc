#include "heterodyne/data/source_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/compressed.h"

namespace heterodyne {
namespace {

using std::filesystem::path;

// "/data/mnist/" bears the name "mnist".
bool bears_name(const path& folder, const std::vector<std::string>& names) {
  const std::string last = (folder / "").lexically_normal().parent_path().filename().string();
  return std::find(names.begin(), names.end(), last) != names.end();
}

}  // namespace

std::string find_source_folder(const DataContext& context, const FolderSearch& search) {
  std::vector<std::string> tried;
  for (const auto& folder : context.folders) {
    if (bears_name(folder, search.names)) tried.push_back(folder);
    for (const auto& name : search.names) tried.push_back(name.empty() ? folder : (path(folder) / name).string());
  }
  for (const auto& folder : tried) {
    const bool is_here = std::any_of(search.files.begin(), search.files.end(), [&](const std::string& file) {
      return io::find_maybe_compressed((path(folder) / file).string()).has_value();
    });
    if (is_here) return folder;
  }
  throw FormatError("data." + search.kind,
                    fmt::format("{}: not found (also tried .gz, .xz) in {}. To get it: {}", search.files.front(),
                                tried.empty() ? "any folder, none was named" : join(tried), search.how_to_get));
}

std::optional<std::string> find_source_file(const std::vector<std::string>& folders, const std::string& name) {
  std::vector<std::string> tried;
  if (!path(name).is_absolute()) {
    for (const auto& folder : folders) tried.push_back((path(folder) / name).string());
  }
  tried.push_back(name);
  for (const auto& file : tried) {
    if (io::find_maybe_compressed(file)) return io::read_maybe_compressed(file);
  }
  return std::nullopt;
}

std::string read_source_file(const DataContext& context, const std::string& name, const std::string& where,
                             const std::string& hint) {
  if (auto content = find_source_file(context.folders, name)) return *std::move(content);
  throw FormatError(where,
                    fmt::format("{}: not found (also tried .gz, .xz) in {}. {}", name, join(context.folders), hint));
}

}  // namespace heterodyne
