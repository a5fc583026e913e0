#include "heterodyne/io/image_file.h"

#include <fmt/format.h>

#include <memory>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace heterodyne::io {

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
  const int wanted = channels <= 2 ? 1 : 3;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, wanted), stbi_image_free);
  if (!pixels) throw FormatError::in_file(path, fmt::format("damaged picture: {}", stbi_failure_reason()));
  const auto image_HWC = torch::from_blob(pixels.get(), {height, width, wanted}, torch::kUInt8);
  return image_HWC.permute({2, 0, 1}).clone(torch::MemoryFormat::Contiguous);
}

}  // namespace heterodyne::io
