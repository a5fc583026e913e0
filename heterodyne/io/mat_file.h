// MatFile: the numeric arrays of a MAT-file of level 5, as MATLAB 5 to 7.2 and many others write them (MathWorks,
// "MAT-File Format", chapter 1), little-endian, elements compressed by zlib or not.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::io {

/// How numbers are stored, by their number in the format. MATLAB may store the numbers of an array in a smaller type
/// than the array's own.
enum class MatType { kInt8 = 1, kUInt8, kInt16, kUInt16, kInt32, kUInt32, kSingle, kDouble = 9, kInt64 = 12, kUInt64 };

struct MatArray {
  std::vector<int64_t> sizes;
  MatType type = MatType::kUInt8;
  std::string bytes;  // of the numbers, the first index running fastest

  int64_t count() const;
  /// Throws FormatError of `where` when a number is not whole or beyond 2^53.
  std::vector<int64_t> whole_numbers(const std::string& where) const;
};

/// The arrays by name. Arrays of anything but real numbers (texts, cells, structures, sparse and complex ones) are left
/// out. `limit` is the most that one compressed element may expand to. Throws FormatError with the byte: no MAT-file,
/// one of version 7.3 (which is HDF5), big-endian, an element that is cut short or damaged, sizes that do not fit the
/// number of values.
std::map<std::string, MatArray> parse_mat(std::string_view bytes, const std::string& path, uint64_t limit);

/// A file with these arrays, uncompressed, or each compressed.
std::string write_mat(const std::map<std::string, MatArray>& arrays, bool is_compressed);

}  // namespace heterodyne::io
