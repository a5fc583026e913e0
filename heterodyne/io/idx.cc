#include "heterodyne/io/idx.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

uint32_t big_endian(std::string_view file, size_t at) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(file[at + i]);
  return number;
}

}  // namespace

IdxArray parse_idx(std::string_view file, const std::string& path) {
  if (file.size() < 4) {
    throw FormatError::in_file(path, file.size(), fmt::format("expected a magic of 4 bytes, got {}", file.size()));
  }
  const uint32_t magic = big_endian(file, 0);
  const size_t dimensions = magic & 0xFF;
  if (magic >> 8 != 0x08 || dimensions < 1 || dimensions > 4) {
    throw FormatError::in_file(
        path, 0, fmt::format("magic: expected 0x00000801 to 0x00000804, unsigned bytes, got 0x{:08x}", magic));
  }
  const size_t header = 4 + 4 * dimensions;
  if (file.size() < header) {
    throw FormatError::in_file(path, file.size(),
                               fmt::format("expected a header of {} bytes, got {}", header, file.size()));
  }
  IdxArray array;
  uint64_t count = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    const size_t at = 4 + 4 * i;
    array.sizes.push_back(big_endian(file, at));
    if (__builtin_mul_overflow(count, big_endian(file, at), &count)) {
      throw FormatError::in_file(path, at, "size: expected fewer than 2^64 values in all");
    }
  }
  if (count != file.size() - header) {
    throw FormatError::in_file(path, header,
                               fmt::format("values: expected {} bytes, got {}", count, file.size() - header));
  }
  array.bytes = file.substr(header);
  return array;
}

std::string write_idx(const IdxArray& array) {
  HETERODYNE_DCHECK(!array.sizes.empty() && array.sizes.size() <= 4);
  std::string file{'\0', '\0', '\x08', static_cast<char>(array.sizes.size())};
  for (const int64_t size : array.sizes) {
    for (const int shift : {24, 16, 8, 0}) file.push_back(static_cast<char>(static_cast<uint8_t>(size >> shift)));
  }
  return file + array.bytes;
}

}  // namespace heterodyne::io
