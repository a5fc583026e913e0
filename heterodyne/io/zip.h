// Zip archives whose files are stored as they are, not compressed: what PyTorch puts tensors into.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace heterodyne::io {

/// The files of an archive by name; views of `archive`, which must outlive them. Throws FormatError naming `path`, with
/// the byte offset where there is one: it is no zip archive, is cut short, a file is compressed or encrypted, lies
/// outside the archive, occurs twice, or its checksum is wrong.
std::map<std::string, std::string_view> read_stored_zip(std::string_view archive, const std::string& path);

}  // namespace heterodyne::io
