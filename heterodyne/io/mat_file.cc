#include "heterodyne/io/mat_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/io/compressed.h"

namespace heterodyne::io {
namespace {

constexpr size_t kMatHeaderBytes = 128, kTextBytes = 116, kElementTag = 8;
constexpr uint32_t kMatrix = 14, kCompressed = 15;
constexpr uint32_t kFirstNumeric = 6, kLastNumeric = 15;  // classes of arrays of numbers: double to uint64
constexpr uint32_t kComplexFlag = 0x0800;

size_t width_of(MatType type) {
  switch (type) {
    case MatType::kInt8:
    case MatType::kUInt8:
      return 1;
    case MatType::kInt16:
    case MatType::kUInt16:
      return 2;
    case MatType::kInt32:
    case MatType::kUInt32:
    case MatType::kSingle:
      return 4;
    case MatType::kDouble:
    case MatType::kInt64:
    case MatType::kUInt64:
      return 8;
  }
  return 0;
}

template <class T>
T stored_at(std::string_view bytes, size_t at) {
  T number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

struct Element {
  uint32_t type = 0;
  uint64_t at = 0;  // of its content
  std::string_view content;
};

// Elements one after the other: of the file, or of what one of them holds. `origin` is where the bytes lie in the file;
// those of a compressed element have no place of their own, so all of them are said to lie where it begins.
class ElementReader {
 public:
  ElementReader(std::string_view bytes, const std::string& path, uint64_t origin, bool has_places)
      : bytes_(bytes), path_(path), origin_(origin), has_places_(has_places) {}

  bool at_end() const { return at_ >= bytes_.size(); }

  Element next() {
    need(kElementTag);
    const auto word = stored_at<uint32_t>(bytes_, at_);
    if (word >> 16U) {  // a small element: size and type in one word, its content in the next
      const uint32_t size = word >> 16U;
      if (size > 4) fail(fmt::format("a small element: expected at most 4 bytes, got {}", size));
      const Element element{word & 0xFFFFU, place() + 4, bytes_.substr(at_ + 4, size)};
      at_ += kElementTag;
      return element;
    }
    const auto size = stored_at<uint32_t>(bytes_, at_ + 4);
    at_ += kElementTag;
    need(size);
    const Element element{word, place(), bytes_.substr(at_, size)};
    const size_t padding = word == kCompressed ? 0 : (8 - size % 8) % 8;
    at_ = std::min(at_ + size + padding, bytes_.size());
    return element;
  }

  [[noreturn]] void fail(const std::string& message) const { throw FormatError::in_file(path_, place(), message); }

 private:
  uint64_t place() const { return origin_ + (has_places_ ? at_ : 0); }
  void need(size_t count) const {
    if (bytes_.size() - at_ < count)
      fail(fmt::format("expected {} bytes more of an element, got {}", count, bytes_.size() - at_));
  }

  std::string_view bytes_;
  const std::string& path_;
  uint64_t origin_;
  bool has_places_;
  size_t at_ = 0;
};

std::optional<MatType> number_type(uint32_t type) {
  const bool is_number = (type >= 1 && type <= 7) || type == 9 || type == 12 || type == 13;
  return is_number ? std::optional(static_cast<MatType>(type)) : std::nullopt;
}

// What a matrix holds: flags, sizes, name, values. Nothing for one that is not of real numbers.
std::optional<std::pair<std::string, MatArray>> array_in(ElementReader reader) {
  const Element flags = reader.next();
  if (flags.content.size() < 8) reader.fail("the flags of an array: expected 8 bytes");
  const auto word = stored_at<uint32_t>(flags.content, 0);
  const uint32_t kind = word & 0xFFU;
  if (kind < kFirstNumeric || kind > kLastNumeric || (word & kComplexFlag)) return std::nullopt;
  const Element sizes = reader.next();
  MatArray array;
  int64_t count = 1;
  for (size_t i = 0; i + 4 <= sizes.content.size(); i += 4) {
    const auto size = stored_at<int32_t>(sizes.content, i);
    if (size < 0 || (size > 0 && count > std::numeric_limits<int64_t>::max() / size))
      reader.fail("the sizes of an array: expected numbers from 0 on, got others");
    array.sizes.push_back(size);
    count *= size;
  }
  const std::string name(reader.next().content);
  const Element values = reader.next();
  const auto type = number_type(values.type);
  if (!type) reader.fail(fmt::format("{}: expected numbers, got values of type {}", name, values.type));
  array.type = *type;
  if (static_cast<uint64_t>(count) * width_of(*type) != values.content.size())
    reader.fail(fmt::format("{}: expected {} values of {} bytes, got {} bytes", name, count, width_of(*type),
                            values.content.size()));
  array.bytes = std::string(values.content);
  return std::pair(name, std::move(array));
}

void append_tag(std::string& out, uint32_t type, size_t size) {
  const std::array<uint32_t, 2> tag{type, static_cast<uint32_t>(size)};
  out.append(reinterpret_cast<const char*>(tag.data()), sizeof tag);
}

void append_element(std::string& out, uint32_t type, std::string_view content) {
  append_tag(out, type, content.size());
  out += content;
  out.append((8 - content.size() % 8) % 8, '\0');
}

std::string matrix_of(const std::string& name, const MatArray& array) {
  constexpr uint32_t kDoubleClass = 6, kUInt8Class = 9;
  const std::array<uint32_t, 2> flags{array.type == MatType::kUInt8 ? kUInt8Class : kDoubleClass, 0};
  const std::vector<int32_t> sizes(array.sizes.begin(), array.sizes.end());
  const auto view = [](const auto& numbers) {
    return std::string_view(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(numbers[0]));
  };
  std::string content;
  append_element(content, static_cast<uint32_t>(MatType::kUInt32), view(flags));
  append_element(content, static_cast<uint32_t>(MatType::kInt32), view(sizes));
  append_element(content, static_cast<uint32_t>(MatType::kInt8), name);
  append_element(content, static_cast<uint32_t>(array.type), array.bytes);
  std::string matrix;
  append_element(matrix, kMatrix, content);
  return matrix;
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
               static_cast<uLong>(bytes.size())) != Z_OK)
    throw std::bad_alloc();
  out.resize(size);
  return out;
}

}  // namespace

int64_t MatArray::count() const {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return count;
}

std::vector<int64_t> MatArray::whole_numbers(const std::string& where) const {
  std::vector<int64_t> numbers;
  const auto read = [&]<class T>(T) {
    for (size_t at = 0; at < bytes.size(); at += sizeof(T)) {
      const auto value = static_cast<double>(stored_at<T>(bytes, at));
      constexpr double kLargest = 9007199254740992.0;
      if (!(std::abs(value) <= kLargest) || value != std::floor(value))
        throw FormatError(where, fmt::format("expected whole numbers, got {}", value));
      numbers.push_back(static_cast<int64_t>(value));
    }
  };
  switch (type) {
    case MatType::kInt8:
      read(int8_t{});
      break;
    case MatType::kUInt8:
      read(uint8_t{});
      break;
    case MatType::kInt16:
      read(int16_t{});
      break;
    case MatType::kUInt16:
      read(uint16_t{});
      break;
    case MatType::kInt32:
      read(int32_t{});
      break;
    case MatType::kUInt32:
      read(uint32_t{});
      break;
    case MatType::kSingle:
      read(float{});
      break;
    case MatType::kDouble:
      read(double{});
      break;
    case MatType::kInt64:
      read(int64_t{});
      break;
    case MatType::kUInt64:
      read(uint64_t{});
      break;
  }
  return numbers;
}

std::map<std::string, MatArray> parse_mat(std::string_view bytes, const std::string& path, uint64_t limit) {
  if (bytes.size() < kMatHeaderBytes)
    throw FormatError::in_file(
        path, bytes.size(),
        fmt::format("expected a MAT-file's header of {} bytes, got {}", kMatHeaderBytes, bytes.size()));
  if (bytes.starts_with("MATLAB 7.3"))
    throw FormatError::in_file(path, 0, "expected a MAT-file of level 5, got one of version 7.3, which is HDF5");
  const std::string_view order = bytes.substr(kMatHeaderBytes - 2, 2);
  if (order == "MI")
    throw FormatError::in_file(path, kMatHeaderBytes - 2, "expected a little-endian file, got a big-endian");
  if (order != "IM") throw FormatError::in_file(path, kMatHeaderBytes - 2, "expected a MAT-file of level 5");
  std::map<std::string, MatArray> arrays;
  ElementReader reader(bytes.substr(kMatHeaderBytes), path, kMatHeaderBytes, true);
  while (!reader.at_end()) {
    const Element element = reader.next();
    if (element.type == kMatrix) {
      if (auto array = array_in({element.content, path, element.at, true})) arrays.insert(std::move(*array));
    } else if (element.type == kCompressed) {
      const std::string inside = expand_zlib(element.content, path, element.at, limit);
      const Element matrix = ElementReader(inside, path, element.at, false).next();
      if (matrix.type != kMatrix) continue;
      if (auto array = array_in({matrix.content, path, element.at, false})) arrays.insert(std::move(*array));
    }
  }
  return arrays;
}

std::string write_mat(const std::map<std::string, MatArray>& arrays, bool is_compressed) {
  std::string out = "MATLAB 5.0 MAT-file, written by heterodyne";
  out.resize(kTextBytes, ' ');
  out.append(8, '\0');           // no data of a subsystem
  out.append({'\x00', '\x01'});  // version
  out += "IM";                   // little-endian
  for (const auto& [name, array] : arrays) {
    const std::string matrix = matrix_of(name, array);
    if (!is_compressed) {
      out += matrix;
      continue;
    }
    const std::string packed = deflated(matrix);
    append_tag(out, kCompressed, packed.size());
    out += packed;
  }
  return out;
}

}  // namespace heterodyne::io
