// Compressed: a file as it was before gzip or xz. Data sets are read this way, so that no one has to unpack them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heterodyne::io {

/// What a compressed file may expand to unless the caller knows better.
inline constexpr uint64_t kExpandedLimit = uint64_t{8} << 30;

/// `path` itself, else `path`.gz, else `path`.xz: the first that exists.
std::optional<std::string> find_maybe_compressed(const std::string& path);

/// The content of that file, expanded when its name ends in .gz or .xz. All members of a gzip file and all streams of
/// an xz file are read, and their checksums are checked.
/// Throws FormatError, with the byte offset in the compressed file where there is one: nothing is there, the stream is
/// damaged or cut short, something else follows it, it expands to more than `limit` bytes.
std::string read_maybe_compressed(const std::string& path, uint64_t limit = kExpandedLimit);

/// A part of the file `path` that begins at `byte` and is a zlib stream (RFC 1950), expanded. Throws FormatError as
/// above.
std::string expand_zlib(std::string_view stream, const std::string& path, uint64_t byte, uint64_t limit);

}  // namespace heterodyne::io
