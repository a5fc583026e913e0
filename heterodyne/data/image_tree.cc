#include "heterodyne/data/image_tree.h"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/image_file.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr std::array kPictureEndings = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm"};

bool is_picture(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(kPictureEndings.begin(), kPictureEndings.end(), ending) != kPictureEndings.end();
}

// What is in the folder, sorted by name.
std::vector<fs::directory_entry> entries_of(const std::string& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) entries.push_back(*at);
  if (error) throw FormatError::in_file(folder, "cannot be listed: " + error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

ImageSet pictures_in_files(const LabelledPaths& files, const SquareFit& fit) {
  ImageSet set;
  set.label_N = torch::tensor(files.labels, torch::kInt64);
  set.read_CHW = {3, fit.size, fit.size};
  set.read = [paths = files.paths, fit](int64_t place, const ImageSet::PartOf& part) {
    const auto image_CHW = io::read_image(paths[static_cast<size_t>(place)]);
    const Box box = part ? part(image_CHW.size(1), image_CHW.size(2)) : Box();
    if (box.area() == 0) return squared(image_CHW, fit).contiguous();
    const auto seen_CHW = image_CHW.narrow(1, box.top, box.height).narrow(2, box.left, box.width);
    return squared(seen_CHW, {.size = fit.size}).contiguous();
  };
  return set;
}

}  // namespace

std::string find_image_root(const DataContext& context, const std::string& name, const std::string& where,
                            const std::string& hint) {
  std::vector<std::string> tried;
  if (!fs::path(name).is_absolute()) {
    for (const auto& folder : context.folders) tried.push_back((fs::path(folder) / name).string());
  }
  tried.push_back(name);
  for (const auto& folder : tried) {
    if (fs::is_directory(folder)) return folder;
  }
  throw FormatError(where, fmt::format("{}: no such folder in {}. {}", name, join(context.folders), hint));
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : entries_of(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.')) names.push_back(name);
  }
  return names;
}

std::vector<std::string> pictures_in(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : entries_of(folder)) {
    if (entry.is_regular_file() && is_picture(entry.path())) paths.push_back(entry.path().string());
  }
  return paths;
}

LabelledPaths list_classes(const std::string& folder, const std::vector<std::string>& class_names) {
  const auto found = folders_in(folder);
  if (found.empty() && !pictures_in(folder).empty())
    throw FormatError::in_file(folder,
                               "expected a folder with pictures for each class, got pictures. Is it the folder of "
                               "one class?");
  for (const auto& name : found) {
    if (std::find(class_names.begin(), class_names.end(), name) == class_names.end())
      throw FormatError::in_file(
          folder, fmt::format("expected folders of the classes {}, got another, \"{}\"", join(class_names), name));
  }
  LabelledPaths all;
  for (size_t label = 0; label < class_names.size(); ++label) {
    const std::string& name = class_names[label];
    if (std::find(found.begin(), found.end(), name) == found.end())
      throw FormatError::in_file(
          folder,
          fmt::format("expected a folder for each of the classes {}, got none for \"{}\"", join(class_names), name));
    const auto paths = pictures_in((fs::path(folder) / name).string());
    if (paths.empty())
      throw FormatError::in_file(
          (fs::path(folder) / name).string(),
          fmt::format("expected pictures ({}), got none", join({kPictureEndings.begin(), kPictureEndings.end()})));
    all.paths.insert(all.paths.end(), paths.begin(), paths.end());
    all.labels.insert(all.labels.end(), paths.size(), static_cast<int64_t>(label));
  }
  return all;
}

DataShape PictureOptions::shape(const std::string& where) const {
  constexpr int64_t kColours = 3;
  check_class_names(classes, where);
  normalize.check(where, kColours);
  augment.check(where, kColours, square.size, square.size);
  return {kColours, square.size, square.size, static_cast<int64_t>(classes.size())};
}

ImageSet PictureOptions::read(const LabelledPaths& files) const {
  return in_memory ? read_pictures(files, square) : pictures_in_files(files, square);
}

ImageSource PictureOptions::source(const DataContext& context) const {
  ImageSource source;
  source.class_names = classes;
  source.normalize = normalize;
  source.augment = augment;
  source.validation = context.validation;
  source.per_class = context.per_class;
  return source;
}

torch::Tensor squared(const torch::Tensor& image_CHW, const SquareFit& fit) {
  auto image = image_CHW;
  if (fit.fit == "crop") {
    const int64_t H = image.size(1), W = image.size(2), side = std::min(H, W);
    image = image.narrow(1, (H - side) / 2, side).narrow(2, (W - side) / 2, side);
  }
  if (image.size(1) != fit.size || image.size(2) != fit.size) {
    const auto resized =
        at::_upsample_bilinear2d_aa(image.unsqueeze(0).to(torch::kFloat32), {fit.size, fit.size}, false);
    image = resized.round().clamp(0, 255).to(torch::kUInt8)[0];
  }
  return image.expand({3, fit.size, fit.size});
}

ImageSet read_pictures(const LabelledPaths& files, const SquareFit& fit) {
  const auto N = static_cast<int64_t>(files.paths.size());
  ImageSet set;
  set.pixel_NCHW = at::empty({N, 3, fit.size, fit.size}, torch::kUInt8);
  set.label_N = torch::tensor(files.labels, torch::kInt64);
  constexpr int64_t kFilesOfThread = 16;
  parallel_for(0, N, kFilesOfThread, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      set.pixel_NCHW[n].copy_(squared(io::read_image(files.paths[static_cast<size_t>(n)]), fit));
  });
  return set;
}

}  // namespace heterodyne
