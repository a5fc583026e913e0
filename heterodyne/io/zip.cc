#include "heterodyne/io/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

// Signatures and lengths of the parts of an archive (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16).
constexpr uint64_t kLocal = 0x04034b50, kLocalBytes = 30;
constexpr uint64_t kCentral = 0x02014b50, kCentralBytes = 46;
constexpr uint64_t kEnd = 0x06054b50, kEndBytes = 22;
constexpr uint64_t kLocator64 = 0x07064b50, kLocator64Bytes = 20;
constexpr uint64_t kEnd64 = 0x06064b50, kEnd64Bytes = 56;
constexpr uint64_t kLongestComment = 65535;
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // "see the 64-bit field"

class ZipReader {
 public:
  ZipReader(std::string_view archive, const std::string& path) : archive_(archive), path_(path) {}

  std::map<std::string, std::string_view> read() const {
    const uint64_t end = find_end();
    uint64_t count = number(end + 10, 2), at = number(end + 16, 4);
    if (end >= kLocator64Bytes && number(end - kLocator64Bytes, 4) == kLocator64) {
      const uint64_t end64 = number(end - kLocator64Bytes + 8, 8);
      if (number(end64, 4) != kEnd64) fail(end64, "expected the end of a 64-bit archive");
      count = number(end64 + 32, 8);
      at = number(end64 + 48, 8);
    }
    std::map<std::string, std::string_view> files;
    for (uint64_t i = 0; i < count; ++i) {
      if (number(at, 4) != kCentral) fail(at, fmt::format("expected the entry of file {} of {}", i + 1, count));
      const uint64_t name_bytes = number(at + 28, 2), extra_bytes = number(at + 30, 2);
      const std::string name(bytes(at + kCentralBytes, name_bytes));
      if (!name.ends_with('/') && !files.emplace(name, content(at, name)).second)
        fail(at, "expected a file once, got \"" + name + "\" twice");
      at += kCentralBytes + name_bytes + extra_bytes + number(at + 32, 2);
    }
    return files;
  }

 private:
  [[noreturn]] void fail(uint64_t at, const std::string& message) const {
    throw FormatError::in_file(path_, at, message);
  }

  std::string_view bytes(uint64_t at, uint64_t count) const {
    if (at > archive_.size() || count > archive_.size() - at)
      fail(std::min<uint64_t>(at, archive_.size()), fmt::format("expected {} bytes more, got the end", count));
    return archive_.substr(at, count);
  }

  uint64_t number(uint64_t at, uint64_t num_bytes) const {
    const std::string_view text = bytes(at, num_bytes);
    uint64_t value = 0;
    for (uint64_t i = num_bytes; i-- > 0;) value = (value << 8U) | static_cast<unsigned char>(text[i]);
    return value;
  }

  // The record at the end, behind which there may be a comment.
  uint64_t find_end() const {
    const uint64_t size = archive_.size();
    const uint64_t lowest = size > kEndBytes + kLongestComment ? size - kEndBytes - kLongestComment : 0;
    for (uint64_t at = size < kEndBytes ? 0 : size - kEndBytes + 1; at-- > lowest;) {
      if (number(at, 4) == kEnd && at + kEndBytes + number(at + 20, 2) == size) return at;
    }
    fail(size, "expected a zip archive, got something else or the beginning of one");
  }

  // The content of the file whose entry begins at `at`.
  std::string_view content(uint64_t at, const std::string& name) const {
    if (number(at + 8, 2) & 1U) fail(at, name + ": expected a file that is not encrypted");
    if (number(at + 10, 2) != 0)
      fail(at, fmt::format("{}: expected a stored file, got one compressed by method {}", name, number(at + 10, 2)));
    uint64_t packed = number(at + 20, 4), size = number(at + 24, 4), local = number(at + 42, 4);
    read_64(at, size, packed, local);
    if (packed != size) fail(at, fmt::format("{}: expected {} bytes stored, got {}", name, size, packed));
    if (number(local, 4) != kLocal) fail(local, "expected the beginning of " + name);
    const uint64_t begin = local + kLocalBytes + number(local + 26, 2) + number(local + 28, 2);
    const std::string_view text = bytes(begin, size);
    const uint64_t expected = number(at + 16, 4);
    if (checksum(text) != expected)
      fail(begin, fmt::format("{}: expected the checksum {:08x}, got {:08x}", name, expected, checksum(text)));
    return text;
  }

  // Replaces what does not fit into 32 bits by what the entry's extra field 1 says, in this order.
  void read_64(uint64_t at, uint64_t& size, uint64_t& packed, uint64_t& local) const {
    uint64_t extra = at + kCentralBytes + number(at + 28, 2);
    const uint64_t end = extra + number(at + 30, 2);
    while (extra + 4 <= end) {
      const uint64_t kind = number(extra, 2), num_bytes = number(extra + 2, 2);
      uint64_t field = extra + 4;
      for (uint64_t* value : {&size, &packed, &local}) {
        if (kind != 1 || *value != kIn64) continue;
        *value = number(field, 8);
        field += 8;
      }
      extra += 4 + num_bytes;
    }
  }

  static uint64_t checksum(std::string_view text) {
    return crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(text.data()), text.size());
  }

  std::string_view archive_;
  const std::string& path_;
};

}  // namespace

std::map<std::string, std::string_view> read_stored_zip(std::string_view archive, const std::string& path) {
  return ZipReader(archive, path).read();
}

}  // namespace heterodyne::io
