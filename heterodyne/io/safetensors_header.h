// The header of a safetensors file, apart from its tensors: what lies where. Readers want safetensors.h.
//
//   8 bytes        length N of the header, little-endian
//   N bytes        JSON: {"__metadata__": {TEXT: TEXT}, NAME: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0,
//   24]}},
//                  padded with spaces
//   the rest       values, row after row, little-endian; the tensors lie side by side without gaps
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/base/torch.h"

namespace heterodyne::io {

/// One tensor in a file. Bytes count from the beginning of the file.
struct TensorInfo {
  torch::Dtype dtype = torch::kFloat32;
  std::vector<int64_t> sizes;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<std::pair<std::string, TensorInfo>> tensors;  // in the order of the header
  Table metadata;                                           // text by text
};

/// Reads the header of a whole file. Throws FormatError with the byte offset unless every byte of the file is accounted
/// for: the header is JSON of at most 100 MiB, names differ, each dtype is known and fits its shape and its bytes, and
/// the tensors follow each other to the very end.
SafetensorsHeader parse_safetensors_header(std::string_view file, const std::string& path);

/// The first bytes of the file with these tensors, up to their values, which begin at a multiple of 8. `begin` and
/// `end` of the tensors are filled in, side by side in the order given. Throws ShapeError for a dtype the format has
/// not.
std::string write_safetensors_header(SafetensorsHeader& header);

}  // namespace heterodyne::io
