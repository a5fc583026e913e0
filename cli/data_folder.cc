#include "cli/data_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/sha256.h"

namespace heterodyne::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 6;                           // folders in folders
constexpr uint64_t kLargestFile = uint64_t{1} << 30;  // the largest there is takes 47 MB

// "train-images.idx3-ubyte" -> "train-images-idx3-ubyte"; the ending .bin stays.
std::string usual_name(std::string name) {
  const size_t dot = name.find(".idx");
  if (dot != std::string::npos) name[dot] = '-';
  return name;
}

std::string compressed_ending(const std::string& name) {
  for (const char* ending : {".gz", ".xz"}) {
    if (name.ends_with(ending)) return ending;
  }
  return "";
}

// Regular files below the folder, those nearest to the top first, then by name.
std::vector<fs::path> files_below(const std::string& folder) {
  std::vector<std::pair<int, fs::path>> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, error), end;
  if (error) throw FormatError::in_file(folder, "cannot be read: " + error.message());
  for (; entry != end; entry.increment(error)) {
    if (error) throw FormatError::in_file(folder, "cannot be read: " + error.message());
    std::error_code ignored;
    if (entry.depth() >= kDeepest) entry.disable_recursion_pending();
    if (entry->is_regular_file(ignored)) found.emplace_back(entry.depth(), entry->path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  for (auto& [depth, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::string damage_of(const std::string& path) {
  try {
    return io::read_maybe_compressed(path, kLargestFile).empty() ? "is empty" : "";
  } catch (const FormatError& error) {
    const std::string text = error.what(), place = path + ": ";
    return text.starts_with(place) ? text.substr(place.size()) : text;
  }
}

void place(const std::string& from, const std::string& to, bool link) {
  std::error_code error;
  if (link) fs::create_hard_link(from, to, error);
  else if (!fs::copy_file(from, to, error) && !error) error = std::make_error_code(std::errc::file_exists);
  if (!error) return;
  const std::string next = link && error == std::errc::cross_device_link ? ". Next: without --link" : "";
  throw DeviceError(fmt::format("{}: cannot be {}: {}{}", to, link ? "linked" : "copied", error.message(), next));
}

// A folder under a name of its own beside its place to be, gone unless it is given its name.
class Staging {
 public:
  Staging(const fs::path& out, const std::string& name)
      : root_(out / fmt::format(".{}-{}", name, ::getpid())), folder_(root_ / name) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw DeviceError(folder_.string() + ": cannot be made: " + error.message());
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  std::string root() const { return root_.string(); }
  std::string folder() const { return folder_.string(); }
  void commit(const fs::path& final_place) const {
    std::error_code error;
    fs::rename(folder_, final_place, error);
    if (error) throw DeviceError(final_place.string() + ": cannot be made: " + error.message());
  }

 private:
  fs::path root_, folder_;
};

std::string usual_folder(const SourceFiles& files) {
  return *std::find_if(files.folders.begin(), files.folders.end(), [](const auto& name) { return !name.empty(); });
}

}  // namespace

std::vector<FoundFile> find_files(const std::string& folder, const SourceFiles& files) {
  const auto paths = files_below(folder);
  std::vector<FoundFile> found;
  for (const auto& name : files.names()) {
    FoundFile& file = found.emplace_back(FoundFile{name, {}, ""});
    for (const auto& path : paths) {
      std::string here = path.filename().string();
      here.resize(here.size() - compressed_ending(here).size());
      if (usual_name(here) != name) continue;
      // A whole one further down is better than a damaged one.
      const std::string damage = damage_of(path.string());
      if (!file.path || damage.empty()) {
        file.path = path.string();
        file.damage = damage;
      }
      if (damage.empty()) break;
    }
  }
  return found;
}

Table lenient_settings(const std::string& kind) {
  for (const auto& field : datasets().schema(kind).list()) {
    if (field.name == "allow_partial") return {{"allow_partial", true}};
  }
  return {};
}

std::string prepare_folder(const PrepareRequest& request, const Log& log) {
  const DatasetKind& kind = datasets().find(request.kind);
  const std::string name = usual_folder(*kind.files);
  const fs::path final_place = fs::path(request.out) / name;
  if (fs::exists(fs::symlink_status(final_place)))
    throw ConfigError(final_place.string() + ": exists already; choose another --out");
  const Staging staging(request.out, name);
  Array listed;
  for (const auto& file : request.found) {
    if (!file.path || !file.damage.empty()) continue;
    const std::string to = file.name + compressed_ending(*file.path), path = staging.folder() + "/" + to;
    place(*file.path, path, request.link);
    listed.emplace_back(Table{
        {"name", to}, {"bytes", static_cast<int64_t>(fs::file_size(path))}, {"sha256", io::sha256_of_file(path)}});
  }
  const auto set = kind.make(lenient_settings(request.kind), {"data." + request.kind, ""}, {{staging.root()}, 0, log});
  const auto& test = kind.files->test;
  const bool has_test = std::all_of(request.found.begin(), request.found.end(), [&](const FoundFile& file) {
    return file.path || std::find(test.begin(), test.end(), file.name) == test.end();
  });
  Table manifest{{"kind", request.kind}, {"train", set->size(Split::kTrain)}};
  if (has_test) manifest.set("test", set->size(Split::kTest));
  manifest.set("files", std::move(listed));
  io::write_file(staging.folder() + "/manifest.json", io::write_json(manifest, 1) + "\n");
  staging.commit(final_place);
  io::sync_folder(request.out);
  return final_place.string();
}

}  // namespace heterodyne::cli
