// Batch: what passes from a data set to a network. Plain values; every tensor is on one device.
//
// Letters: B examples, S tokens of an example, C channels, H x W pixels.
#pragma once

#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"

namespace heterodyne {

struct Batch {
  torch::Tensor inputs;   // images [B, C, H, W] or features [B, D], floating point, normalised
  torch::Tensor label_B;  // int64, 0 <= label < number of classes
  torch::Tensor index_B;  // int64, the example's place in its split
  torch::Tensor mask_BS;  // bool, false at padding; undefined when nothing is padded
  RandomKey random;       // the draws of this forward pass

  int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }
};

/// What a network must know of the data it reads.
struct DataShape {
  int64_t channels = 1;
  int64_t height = 0;
  int64_t width = 0;
  int64_t num_classes = 0;
};

}  // namespace heterodyne
