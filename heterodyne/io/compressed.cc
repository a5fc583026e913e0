#include "heterodyne/io/compressed.h"

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <new>
#include <string_view>

#include "heterodyne/base/error.h"
#include "heterodyne/io/file.h"

namespace heterodyne::io {
namespace {

constexpr uint64_t kDecoderMemory = uint64_t{1} << 30;  // "xz -9" needs 65 MiB; a hostile header asks for 4 GiB

// Where expanded bytes go. It grows, but never to more than one byte above the limit.
class Output {
 public:
  explicit Output(uint64_t limit) : limit_(std::min<uint64_t>(limit, std::numeric_limits<int64_t>::max())) {}

  /// Room for at least one byte.
  void grow() {
    const uint64_t larger = std::max<uint64_t>(bytes_.size() * 2, 1 << 16);
    bytes_.resize(static_cast<size_t>(std::min(larger, limit_ + 1)));
  }
  unsigned char* free_begin() { return reinterpret_cast<unsigned char*>(bytes_.data()) + filled_; }
  size_t free_size() const { return bytes_.size() - filled_; }

  /// `remaining` bytes of the free ones are still free. False once the limit is passed.
  bool take(size_t remaining) {
    filled_ = bytes_.size() - remaining;
    return filled_ <= limit_;
  }

  std::string finish() {
    bytes_.resize(filled_);
    return std::move(bytes_);
  }

 private:
  uint64_t limit_;
  size_t filled_ = 0;
  std::string bytes_;
};

FormatError too_large(const std::string& path, uint64_t byte, uint64_t limit) {
  return FormatError::in_file(path, byte, fmt::format("expected to expand to at most {} bytes, got more", limit));
}

FormatError cut_short(const std::string& path, uint64_t byte, const std::string& format) {
  return FormatError::in_file(path, byte, "expected more of the " + format + " stream, got the end of the file");
}

constexpr int kZlibWindow = 15;                // the largest
constexpr int kGzipStream = kZlibWindow + 16;  // expect gzip's header and trailer

class Inflater {
 public:
  explicit Inflater(int window) {
    if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }

  z_stream stream{};
};

[[noreturn]] void fail_damaged(const z_stream& stream, const std::string& path, uint64_t byte, const char* format) {
  throw FormatError::in_file(path, byte,
                             fmt::format("damaged {} stream: {}", format, stream.msg ? stream.msg : "unknown"));
}

std::string expand_gzip(std::string_view input, const std::string& path, uint64_t limit) {
  Inflater decoder(kGzipStream);
  z_stream& stream = decoder.stream;
  Output output(limit);
  constexpr size_t kPiece = 1 << 30;  // zlib counts in 32 bits
  size_t at = 0;
  for (bool ended = false; !ended || at < input.size();) {
    if (ended && !input.substr(at).starts_with("\x1f\x8b")) {
      throw FormatError::in_file(path, at, "expected the end of the file or another gzip member, got something else");
    }
    if (ended && inflateReset(&stream) != Z_OK) throw std::bad_alloc();
    if (output.free_size() == 0) output.grow();
    const size_t given = std::min(input.size() - at, kPiece);
    const size_t room = std::min(output.free_size(), kPiece);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data())) + at;  // zlib only reads there
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = output.free_begin();
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    at += given - stream.avail_in;
    if (!output.take(output.free_size() - room + stream.avail_out)) throw too_large(path, at, limit);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_BUF_ERROR) throw cut_short(path, at, "gzip");
    if (result != Z_OK && result != Z_STREAM_END) fail_damaged(stream, path, at, "gzip");
    ended = result == Z_STREAM_END;
  }
  return output.finish();
}

class XzDecoder {
 public:
  XzDecoder() {
    if (lzma_stream_decoder(&stream, kDecoderMemory, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
  }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;
  ~XzDecoder() { lzma_end(&stream); }

  lzma_stream stream = LZMA_STREAM_INIT;
};

const char* meaning(lzma_ret result) {
  switch (result) {
    case LZMA_FORMAT_ERROR:
      return "no xz header where one is expected";
    case LZMA_OPTIONS_ERROR:
      return "it needs an unknown filter";
    case LZMA_MEMLIMIT_ERROR:
      return "it needs more than 1 GiB of memory to expand";
    default:
      return "it is corrupt";
  }
}

std::string expand_xz(std::string_view input, const std::string& path, uint64_t limit) {
  XzDecoder decoder;
  lzma_stream& stream = decoder.stream;
  Output output(limit);
  stream.next_in = reinterpret_cast<const unsigned char*>(input.data());
  stream.avail_in = input.size();
  for (;;) {
    if (output.free_size() == 0) output.grow();
    stream.next_out = output.free_begin();
    stream.avail_out = output.free_size();
    const lzma_ret result = lzma_code(&stream, LZMA_FINISH);
    const uint64_t at = input.size() - stream.avail_in;
    if (!output.take(stream.avail_out)) throw too_large(path, at, limit);
    if (result == LZMA_STREAM_END) return output.finish();
    if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
    if (result == LZMA_BUF_ERROR) throw cut_short(path, at, "xz");
    if (result != LZMA_OK) {
      throw FormatError::in_file(path, at, std::string("damaged xz stream: ") + meaning(result));
    }
  }
}

}  // namespace

std::optional<std::string> find_maybe_compressed(const std::string& path) {
  for (const char* suffix : {"", ".gz", ".xz"}) {
    std::error_code ignored;
    if (std::filesystem::exists(path + suffix, ignored)) return path + suffix;
  }
  return std::nullopt;
}

std::string read_maybe_compressed(const std::string& path, uint64_t limit) {
  const auto found = find_maybe_compressed(path);
  if (!found) throw FormatError::in_file(path, "not found (also tried .gz, .xz)");
  std::string bytes = read_file(*found);
  if (found->ends_with(".gz")) return expand_gzip(bytes, *found, limit);
  if (found->ends_with(".xz")) return expand_xz(bytes, *found, limit);
  return bytes;
}

std::string expand_zlib(std::string_view stream, const std::string& path, uint64_t byte, uint64_t limit) {
  Inflater inflater(kZlibWindow);
  z_stream& state = inflater.stream;
  Output output(limit);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));  // zlib only reads there
  state.avail_in = static_cast<uInt>(std::min<size_t>(stream.size(), std::numeric_limits<uInt>::max()));
  constexpr size_t kPiece = 1 << 30;
  for (int result = Z_OK; result != Z_STREAM_END;) {
    if (output.free_size() == 0) output.grow();
    const size_t room = std::min(output.free_size(), kPiece);
    state.next_out = output.free_begin();
    state.avail_out = static_cast<uInt>(room);
    result = inflate(&state, Z_NO_FLUSH);
    const uint64_t at = byte + stream.size() - state.avail_in;
    if (!output.take(output.free_size() - room + state.avail_out)) throw too_large(path, at, limit);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_BUF_ERROR) throw cut_short(path, at, "zlib");
    if (result != Z_OK && result != Z_STREAM_END) fail_damaged(state, path, at, "zlib");
  }
  return output.finish();
}

}  // namespace heterodyne::io
