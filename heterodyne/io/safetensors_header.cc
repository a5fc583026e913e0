#include "heterodyne/io/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"

namespace heterodyne::io {
namespace {

constexpr uint64_t kLongestHeader = uint64_t{100} << 20;
constexpr size_t kLengthBytes = 8;
constexpr const char* kMetadata = "__metadata__";
// One tensor takes seven values and more; so many fit into no honest header.
constexpr JsonLimits kLimits{.depth = 4, .values = 10'000'000};

static_assert(std::endian::native == std::endian::little, "values are taken from the file as they lie there");

struct DtypeName {
  const char* name;
  torch::Dtype dtype;
};
constexpr std::array kDtypes = {DtypeName{"F64", torch::kFloat64}, DtypeName{"F32", torch::kFloat32},
                                DtypeName{"F16", torch::kFloat16}, DtypeName{"BF16", torch::kBFloat16},
                                DtypeName{"I64", torch::kInt64},   DtypeName{"I32", torch::kInt32},
                                DtypeName{"I16", torch::kInt16},   DtypeName{"I8", torch::kInt8},
                                DtypeName{"U8", torch::kUInt8},    DtypeName{"BOOL", torch::kBool}};

std::string all_dtypes() {
  std::vector<std::string> names;
  for (const auto& [name, dtype] : kDtypes) names.emplace_back(name);
  return join(names);
}

std::string commas(uint64_t number) {
  return number >> 63 == 0 ? with_commas(static_cast<int64_t>(number)) : std::to_string(number);
}

// Reads the entry of one tensor; complaints point to where its name stands in the header.
class EntryReader {
 public:
  EntryReader(std::string_view file, uint64_t values_begin, const std::string& path, const Entry& entry)
      : file_(file), values_begin_(values_begin), path_(path), entry_(entry) {}

  TensorInfo read() const {
    const Table* table = entry_.value.if_table();
    if (table == nullptr) fail("value", "a table", entry_.value.type_name());
    TensorInfo info;
    info.dtype = read_dtype(*table);
    info.sizes = read_numbers(*table, "shape");
    const auto offsets = read_numbers(*table, "data_offsets");
    if (offsets.size() != 2) fail("data_offsets", "2 numbers", std::to_string(offsets.size()));
    const auto begin = static_cast<uint64_t>(offsets[0]);
    const auto end = static_cast<uint64_t>(offsets[1]);
    if (begin > end) fail("data_offsets", "the first not above the second", fmt::format("{}, {}", begin, end));
    const uint64_t available = file_.size() - values_begin_;
    if (end > available) fail("data_offsets", "at most " + commas(available) + ", the end of the file", commas(end));
    const uint64_t needed = num_bytes(info);
    if (end - begin != needed) {
      fail("data_offsets", commas(needed) + " bytes for this dtype and shape", commas(end - begin));
    }
    info.begin = values_begin_ + begin;
    info.end = values_begin_ + end;
    return info;
  }

 private:
  [[noreturn]] void fail(const char* what, const std::string& expected, const std::string& got) const {
    const std::string_view header = file_.substr(kLengthBytes, values_begin_ - kLengthBytes);
    const size_t found = header.find(write_json(entry_.key));  // escapes may be written otherwise: then the beginning
    const uint64_t byte = kLengthBytes + (found == std::string_view::npos ? 0 : found);
    throw FormatError::in_file(path_, byte,
                               fmt::format("tensor \"{}\": {}: expected {}, got {}", entry_.key, what, expected, got));
  }

  torch::Dtype read_dtype(const Table& table) const {
    const Value* value = table.find("dtype");
    const std::string* name = value == nullptr ? nullptr : value->if_text();
    if (name == nullptr) fail("dtype", "text", value == nullptr ? "nothing" : value->type_name());
    for (const auto& known : kDtypes) {
      if (known.name == *name) return known.dtype;
    }
    fail("dtype", "one of " + all_dtypes(), "\"" + *name + "\"");
  }

  std::vector<int64_t> read_numbers(const Table& table, const char* key) const {
    const Value* value = table.find(key);
    const Array* array = value == nullptr ? nullptr : value->if_array();
    if (array == nullptr) fail(key, "a list", value == nullptr ? "nothing" : value->type_name());
    std::vector<int64_t> numbers;
    for (const Value& item : *array) {
      const int64_t* number = item.if_integer();
      if (number == nullptr || *number < 0) fail(key, "whole numbers from 0", write_json(item));
      numbers.push_back(*number);
    }
    return numbers;
  }

  // Also refuses shapes such as [0, 2^40, 2^40], which LibTorch cannot hold.
  uint64_t num_bytes(const TensorInfo& info) const {
    uint64_t bytes = torch::elementSize(info.dtype);
    bool fits = true;
    for (const int64_t size : info.sizes) {
      fits = fits && !__builtin_mul_overflow(bytes, std::max<uint64_t>(static_cast<uint64_t>(size), 1), &bytes);
    }
    if (!fits || bytes >> 63 != 0) fail("shape", "fewer than 2^63 bytes", "more");
    return std::count(info.sizes.begin(), info.sizes.end(), 0) > 0 ? 0 : bytes;
  }

  std::string_view file_;
  uint64_t values_begin_;
  const std::string& path_;
  const Entry& entry_;
};

uint64_t read_header_length(std::string_view file, const std::string& path) {
  if (file.size() < kLengthBytes) {
    throw FormatError::in_file(path, file.size(),
                               fmt::format("expected a header length of 8 bytes, got {}", file.size()));
  }
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[i]);
  const uint64_t rest = file.size() - kLengthBytes;
  if (length > std::min(rest, kLongestHeader)) {
    const std::string most = length > kLongestHeader ? commas(kLongestHeader) : commas(rest) + ", the rest of the file";
    throw FormatError::in_file(
        path, 0,
        fmt::format("header length: expected at most {}, got {}; the file is damaged or not safetensors", most,
                    commas(length)));
  }
  return length;
}

Table read_metadata(const Value& value, const std::string& path) {
  const Table* metadata = value.if_table();
  if (metadata == nullptr) {
    throw FormatError::in_file(path, kLengthBytes,
                               fmt::format("{}: expected a table, got {}", kMetadata, value.type_name()));
  }
  for (const auto& entry : metadata->entries()) {
    if (entry.value.if_text() != nullptr) continue;
    throw FormatError::in_file(
        path, kLengthBytes,
        fmt::format("{}: {}: expected text, got {}", kMetadata, entry.key, entry.value.type_name()));
  }
  return *metadata;
}

// Side by side from the first byte after the header to the last of the file.
void check_layout(const SafetensorsHeader& header, uint64_t values_begin, uint64_t file_end, const std::string& path) {
  std::vector<size_t> order(header.tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto place = [&](size_t i) { return std::pair(header.tensors[i].second.begin, header.tensors[i].second.end); };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
  uint64_t reached = values_begin;
  for (const size_t i : order) {
    const auto& [name, info] = header.tensors[i];
    if (info.begin != reached) {
      throw FormatError::in_file(path, std::min(info.begin, reached),
                                 fmt::format("tensor \"{}\": expected to begin at byte {}, got {}: {}", name, reached,
                                             info.begin, info.begin < reached ? "tensors overlap" : "there is a gap"));
    }
    reached = info.end;
  }
  if (reached != file_end) {
    throw FormatError::in_file(
        path, reached, fmt::format("expected the end of the file, got {} more bytes", commas(file_end - reached)));
  }
}

const char* name_of(torch::Dtype dtype, const std::string& tensor) {
  for (const auto& known : kDtypes) {
    if (known.dtype == dtype) return known.name;
  }
  throw ShapeError(
      fmt::format("tensor \"{}\": safetensors holds {}, got {}", tensor, all_dtypes(), torch::toString(dtype)));
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view file, const std::string& path) {
  const uint64_t length = read_header_length(file, path);
  const std::string_view text = file.substr(kLengthBytes, length);
  if (!text.starts_with('{')) {
    throw FormatError::in_file(path, kLengthBytes, "header: expected \"{\"; the file is damaged or not safetensors");
  }
  const Value document = parse_json(text, {path, kLengthBytes}, kLimits);
  const uint64_t values_begin = kLengthBytes + length;
  SafetensorsHeader header;
  for (const auto& entry : document.if_table()->entries()) {
    if (entry.key == kMetadata) {
      header.metadata = read_metadata(entry.value, path);
    } else {
      header.tensors.emplace_back(entry.key, EntryReader(file, values_begin, path, entry).read());
    }
  }
  check_layout(header, values_begin, file.size(), path);
  return header;
}

std::string write_safetensors_header(SafetensorsHeader& header) {
  std::string text = "{";
  if (!header.metadata.empty()) text += fmt::format("\"{}\":{},", kMetadata, write_json(header.metadata));
  uint64_t reached = 0;
  for (auto& [name, info] : header.tensors) {
    uint64_t bytes = torch::elementSize(info.dtype);
    Array shape;
    for (const int64_t size : info.sizes) {
      bytes *= static_cast<uint64_t>(size);
      shape.emplace_back(size);
    }
    const Array offsets = {static_cast<int64_t>(reached), static_cast<int64_t>(reached + bytes)};
    const Table entry{{"dtype", name_of(info.dtype, name)}, {"shape", std::move(shape)}, {"data_offsets", offsets}};
    text += write_json(name) + ":" + write_json(entry) + ",";
    info.begin = reached;
    reached = info.end = reached + bytes;
  }
  if (text.size() > 1) text.pop_back();
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) bytes[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
  for (auto& [name, info] : header.tensors) {
    info.begin += kLengthBytes + text.size();
    info.end += kLengthBytes + text.size();
  }
  return bytes + text;
}

}  // namespace heterodyne::io
