// TensorFiles: the named tensors of a model as other software stores them: in one safetensors file, in several that an
// index names (model.safetensors.index.json), or in a file of torch.save().
#pragma once

#include <map>
#include <string>
#include <vector>

#include "heterodyne/io/safetensors.h"

namespace heterodyne::io {

class TensorFiles {
 public:
  /// `path` is a safetensors file, an index, a file .bin, .pth or .pt, or a folder with model.safetensors, an index or
  /// pytorch_model.bin. Throws FormatError when there is none, a file that the index names is missing or damaged, or
  /// does not hold what the index says.
  explicit TensorFiles(const std::string& path);

  /// What was read: the file or the index.
  const std::string& path() const { return path_; }
  /// In the order of their bytes.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return file_of_.contains(name) || pickled_.contains(name); }
  /// As SafetensorsFile::tensor(). Throws FormatError with the nearest name.
  torch::Tensor tensor(const std::string& name) const;

 private:
  void read_one(const std::string& path);
  void read_index(const std::string& path);
  void read_pickle(const std::string& path);

  std::string path_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, size_t> file_of_;
  std::map<std::string, torch::Tensor> pickled_;
};

}  // namespace heterodyne::io
