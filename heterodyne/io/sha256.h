// SHA-256 (FIPS 180-4), as 64 lower-case hexadecimal digits. For manifests, not for secrets.
#pragma once

#include <string>
#include <string_view>

namespace heterodyne::io {

std::string sha256_hex(std::string_view bytes);

/// Reads the file piece by piece. Throws FormatError when it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace heterodyne::io
