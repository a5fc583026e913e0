// ImageTree: pictures in a folder for each class, as ImageNet and DomainBed (Gulrajani and Lopez-Paz 2021) lay them
// out.
//
// Letters: N pictures, H x W pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/data/image_set.h"

namespace heterodyne {

/// The folder `name`: as it stands when it is an absolute path, else in the context's folders in order, then here.
/// Throws FormatError of `where`, with the places that were looked at and `hint`, when there is none.
std::string find_image_root(const DataContext& context, const std::string& name, const std::string& where,
                            const std::string& hint);

/// The names of the folders in `folder`, sorted; those that begin with a point are left out.
std::vector<std::string> folders_in(const std::string& folder);
/// The paths of the pictures in `folder` (jpg, jpeg, png, bmp, gif, ppm, pgm; upper case too), sorted by name.
std::vector<std::string> pictures_in(const std::string& folder);

struct LabelledPaths {
  std::vector<std::string> paths;
  std::vector<int64_t> labels;
};

/// The pictures of each class in turn: those of FOLDER/CLASS/. Throws FormatError naming `folder` when a class has no
/// folder or no picture, when there is a folder of another name, or when there are no folders but pictures.
LabelledPaths list_classes(const std::string& folder, const std::vector<std::string>& class_names);

/// Settings of how a picture becomes a square of a size.
struct SquareFit {
  int64_t size = 224;
  std::string fit = "squash";
  void visit(Fields& field) {
    field("size", size, "pixels along each side that pictures are resized to, bilinear", between(1, 1024));
    field("fit", fit, "squash: the whole picture, whatever its shape; crop: the largest square in its middle",
          one_of("squash", "crop"));
  }
};

/// Settings that data sets of pictures in folders share.
struct PictureOptions {
  std::vector<std::string> classes;
  SquareFit square;
  bool in_memory = true;
  Normalize normalize{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};  // ImageNet's
  Augment augment;
  void visit(Fields& field) {
    field("classes", classes, "the names of the folders with the pictures of a class, in the order of their numbers",
          required());
    square.visit(field);
    field(
        "in_memory", in_memory,
        "whether all pictures are read at first and stay in memory; otherwise each is read when a batch needs it, and "
        "augment.resized_crop cuts from it before it is resized");
    field("normalize", normalize, "the pixels' mean and standard deviation: red, green, blue");
    field("augment", augment, "how training images are changed at random");
  }
  /// Throws ConfigError about settings of `where` that do not fit one another.
  DataShape shape(const std::string& where) const;
  /// The pictures of these files: read_pictures(), or each read whenever it is asked for, which throws then.
  ImageSet read(const LabelledPaths& files) const;
  /// A source with these settings, without images.
  ImageSource source(const DataContext& context) const;
};

/// A picture uint8 [C, H, W] as uint8 [3, size, size]; grey ones are repeated. When it becomes smaller each new pixel
/// is the mean of those that it covers, weighted by a triangle (so that fine patterns do not turn into others).
torch::Tensor squared(const torch::Tensor& image_CHW, const SquareFit& fit);

/// All of them, in memory: N x 3 x size x size bytes. Throws FormatError naming the file that is no picture.
ImageSet read_pictures(const LabelledPaths& files, const SquareFit& fit);

}  // namespace heterodyne
