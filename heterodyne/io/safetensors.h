// Safetensors: named tensors in one file, read without copying. The format is in safetensors_header.h.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "heterodyne/base/torch.h"
#include "heterodyne/io/safetensors_header.h"

namespace heterodyne::io {

/// A file open for reading. It is mapped into memory; pages are read when a tensor is looked at. The file must not be
/// shortened meanwhile; write_safetensors() and others that replace files as a whole do no harm. Several threads may
/// use one object.
class SafetensorsFile {
 public:
  /// Throws FormatError, with the byte offset where there is one, unless the file is readable and sound.
  explicit SafetensorsFile(const std::string& path);

  /// In the order of the file's header.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const { return place_.contains(name); }
  /// Throws FormatError with the nearest name.
  const TensorInfo& info(const std::string& name) const;
  /// On the CPU, contiguous: a view of the mapping, which lives as long as the tensor does, even when this object is
  /// gone. Writing into it changes this view of the file, shared by all tensors taken of it, and never the file.
  /// A copy when the values lie at an address that the dtype does not allow. Throws FormatError as info() does, and
  /// when a BOOL is neither 0 nor 1.
  torch::Tensor tensor(const std::string& name) const;
  /// What `__metadata__` holds, all of it text.
  const Table& metadata() const { return header_.metadata; }

 private:
  class Mapping;

  std::string path_;
  std::shared_ptr<Mapping> mapping_;
  SafetensorsHeader header_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, size_t> place_;
};

/// How tensors of float32 are stored. kShortest: those of at least 65,536 values as bfloat16 when that loses not a bit
/// of any, as it is of models that were published in it; half of the file, and of what reading it takes.
enum class Float32Form { kFloat32, kShortest };

/// Writes a file as write_file() does, one tensor after the other; tensors on a device or with strides are copied one
/// at a time. They are laid out like the reference library does it: by falling size of an element, then by name; equal
/// content gives equal bytes. Names must differ, metadata must be text. Throws ShapeError for a dtype that the format
/// has not, DeviceError when the disk refuses.
void write_safetensors(const std::string& path, const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                       const Table& metadata = {}, Float32Form form = Float32Form::kFloat32);

}  // namespace heterodyne::io
