// ImageFit: images of one data set brought to the size and the channels of another, so that a network that learned from
// that one can read them.
//
// Letters: N images, C channels, H x W pixels.
#pragma once

#include "heterodyne/data/image_set.h"

namespace heterodyne {

/// Settings. The default changes nothing.
struct ImageFit {
  int64_t size = 0;
  int64_t channels = 0;
  void visit(Fields& field) {
    field("size", size, "pixels along the side that images are resized to, bilinear; 0: as in the files",
          between(0, 1024));
    field("channels", channels, "channels that grey images are repeated in; 0: as in the files", between(0, 16));
  }

  /// Of images that have this shape in their files. Throws ConfigError about `fit` of `where` when channels are asked
  /// for of images that are not grey.
  DataShape shape(DataShape files, const std::string& where) const;
  /// A single mean and standard deviation stands for every channel.
  Normalize normalize(Normalize given) const;
  /// Resized as an image seen with its corners at the corners of the new one, each new pixel's centre between the four
  /// nearest centres (what "align_corners = false" means), rounded to whole values.
  ImageSet apply(ImageSet images) const;
};

}  // namespace heterodyne
