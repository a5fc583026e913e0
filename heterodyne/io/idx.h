// IDX: the array format of the MNIST files (LeCun, Cortes and Burges 1998). Only unsigned bytes in one to four
// dimensions, which is what data sets use.
//
//   00 00 08 nd    magic: 08 is "unsigned byte", nd the number of dimensions
//   nd x uint32    sizes, big-endian
//   bytes          the values, last dimension fastest
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::io {

struct IdxArray {
  std::vector<int64_t> sizes;
  std::string bytes;
};

/// `file` holds everything, already expanded; `path` is for error texts. Throws FormatError with the byte offset unless
/// the magic is right and the sizes say exactly how many bytes follow.
IdxArray parse_idx(std::string_view file, const std::string& path);

/// The bytes of a file with this array of one to four dimensions.
std::string write_idx(const IdxArray& array);

}  // namespace heterodyne::io
