#include "heterodyne/io/tensor_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/pickle.h"

namespace heterodyne::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kPickle = "pytorch_model.bin";

}  // namespace

TensorFiles::TensorFiles(const std::string& path) : path_(path) {
  if (fs::is_directory(path)) {
    path_.clear();
    for (const char* name : {kPickle, kIndex, kSingle}) {
      const std::string file = (fs::path(path) / name).string();
      if (fs::exists(file)) path_ = file;
    }
    if (path_.empty())
      throw FormatError::in_file(
          path, fmt::format("expected {}, {} or {} in it, got none of them", kSingle, kIndex, kPickle));
  }
  const std::string ending = fs::path(path_).extension().string();
  if (ending == ".json") read_index(path_);
  else if (ending == ".bin" || ending == ".pth" || ending == ".pt") read_pickle(path_);
  else read_one(path_);
}

void TensorFiles::read_pickle(const std::string& path) {
  for (auto& [name, tensor] : read_pickled_tensors(path)) pickled_.insert_or_assign(name, std::move(tensor));
}

void TensorFiles::read_one(const std::string& path) {
  files_.emplace_back(path);
  for (const auto& name : files_.back().names()) file_of_.emplace(name, files_.size() - 1);
}

void TensorFiles::read_index(const std::string& path) {
  const Table index = parse_json_table(read_file(path), path);
  std::map<std::string, size_t> place_of;
  for (const auto& [name, value] : table_at(index, "weight_map", path).entries()) {
    const std::string where = fmt::format("weight_map: \"{}\"", name);
    if (value.if_text() == nullptr || value.if_text()->find('/') != std::string::npos)
      throw FormatError::in_file(path, where + ": expected the name of a file beside it, got " + write_json(value));
    const std::string& file = *value.if_text();
    const auto [found, is_fresh] = place_of.try_emplace(file, files_.size());
    const std::string full = (fs::path(path).parent_path() / file).string();
    if (is_fresh) {
      if (!fs::exists(full)) throw FormatError::in_file(path, fmt::format("{}: {} is missing", where, full));
      files_.emplace_back(full);
    }
    if (!files_[found->second].contains(name))
      throw FormatError::in_file(path, fmt::format("{}: expected it in {}, which has no such tensor", where, full));
    file_of_.emplace(name, found->second);
  }
}

std::vector<std::string> TensorFiles::names() const {
  std::vector<std::string> all;
  for (const auto& [name, file] : file_of_) all.push_back(name);
  for (const auto& [name, tensor] : pickled_) all.push_back(name);
  return all;
}

torch::Tensor TensorFiles::tensor(const std::string& name) const {
  if (const auto found = file_of_.find(name); found != file_of_.end()) return files_[found->second].tensor(name);
  if (const auto found = pickled_.find(name); found != pickled_.end()) return found->second;
  const std::string near = nearest(name, names());
  throw FormatError::in_file(
      path_, fmt::format("no tensor is called \"{}\"{}", name, near.empty() ? "" : "; nearest: \"" + near + "\""));
}

}  // namespace heterodyne::io
