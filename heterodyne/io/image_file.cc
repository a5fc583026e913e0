#include "heterodyne/io/image_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_TGA  // of which a short file would be read as far as it goes, and memory behind it
#define STBI_NO_PSD
#define STBI_NO_PIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace heterodyne::io {
namespace {

// Bytes before the pixels of a portable pixmap: its letters, three numbers, one blank.
size_t length_of_header(const std::string& bytes) {
  const auto is_blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  size_t at = 2;
  for (int number = 0; number < 3; ++number) {
    while (at < bytes.size() && (is_blank(bytes[at]) || bytes[at] == '#'))
      at = bytes[at] == '#' ? std::min(bytes.find('\n', at), bytes.size()) : at + 1;
    while (at < bytes.size() && !is_blank(bytes[at])) ++at;
  }
  return at + 1;
}

// Of a portable pixmap.
int64_t bytes_of_pixmap(const std::string& bytes, int64_t num_values) {
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int64_t width = stbi_is_16_bit_from_memory(data, static_cast<int>(bytes.size())) != 0 ? 2 : 1;
  return static_cast<int64_t>(length_of_header(bytes)) + num_values * width;
}

// Of a Windows bitmap whose rows are not compressed, each of whole groups of four bytes; 0 of another.
int64_t bytes_of_bitmap(const std::string& bytes, int64_t width, int64_t height) {
  const auto number_at = [&](size_t at, size_t size) {
    int64_t number = 0;
    for (size_t i = size; i-- > 0;) number = number * 256 + static_cast<unsigned char>(bytes[at + i]);
    return number;
  };
  constexpr size_t kHeader = 34;
  constexpr int64_t kFields = 3;  // of "compression": a mask for each colour, no compression
  if (bytes.size() < kHeader || number_at(14, 4) < 40) return 0;
  if (const int64_t compression = number_at(30, 4); compression != 0 && compression != kFields) return 0;
  return number_at(10, 4) + (width * number_at(28, 2) + 31) / 32 * 4 * height;
}

// The decoder leaves memory as it found it where such files end too early. JPEG and PNG it checks itself.
void check_is_whole(const std::string& path, const std::string& bytes, int64_t width, int64_t height,
                    int64_t channels) {
  if (bytes.starts_with("GIF") && bytes.find_last_not_of('\0') != bytes.rfind(';'))
    throw FormatError::in_file(path, "damaged picture: expected the end mark of a GIF");
  int64_t wanted = 0;
  if (bytes.starts_with("P5") || bytes.starts_with("P6")) wanted = bytes_of_pixmap(bytes, width * height * channels);
  if (bytes.starts_with("BM")) wanted = bytes_of_bitmap(bytes, width, height);
  if (static_cast<int64_t>(bytes.size()) >= wanted) return;
  throw FormatError::in_file(path, fmt::format("damaged picture: expected at least {} bytes, got {}",
                                               with_commas(wanted), with_commas(static_cast<int64_t>(bytes.size()))));
}

}  // namespace

torch::Tensor read_image(const std::string& path) {
  const std::string bytes = read_file(path);
  if (static_cast<int64_t>(bytes.size()) > kLargestImageFile) {
    throw FormatError::in_file(path, fmt::format("expected at most {} bytes, got {}", with_commas(kLargestImageFile),
                                                 with_commas(static_cast<int64_t>(bytes.size()))));
  }
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(data, size, &width, &height, &channels) == 0)
    throw FormatError::in_file(path, fmt::format("no picture: {}", stbi_failure_reason()));
  if (int64_t{width} * height > kMostPixels || width < 1 || height < 1) {
    throw FormatError::in_file(
        path, fmt::format("expected at most {} pixels, got {} x {}", with_commas(kMostPixels), width, height));
  }
  check_is_whole(path, bytes, width, height, channels);
  const int wanted = channels <= 2 ? 1 : 3;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, wanted), stbi_image_free);
  if (!pixels) throw FormatError::in_file(path, fmt::format("damaged picture: {}", stbi_failure_reason()));
  const auto image_HWC = torch::from_blob(pixels.get(), {height, width, wanted}, torch::kUInt8);
  return image_HWC.permute({2, 0, 1}).clone(torch::MemoryFormat::Contiguous);
}

}  // namespace heterodyne::io
