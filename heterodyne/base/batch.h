// Batch: what passes from a data set to a network. Plain values; every tensor is on one device.
//
// Letters: B examples, S tokens of an example, C channels, H x W pixels, D features.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"

namespace heterodyne {

/// Additive statistics of a batch, by name.
using Sums = std::map<std::string, torch::Tensor>;

/// How many experts a token gets, asked for at run time in the place of the router's own rule. At most one is set.
struct RouteOverride {
  std::optional<int64_t> k = {};         // so many
  std::optional<double> min_p = {};      // those with at least this share of the best one's probability
  std::optional<double> threshold = {};  // those with at least this probability; may be none

  bool empty() const { return !k && !min_p && !threshold; }
};

struct Batch {
  torch::Tensor
      inputs;  // images [B, C, H, W] or features [B, D], floating point, normalised; or token ids [B, S], int64
  torch::Tensor label_B;  // int64, 0 <= label < number of classes; [B, S] where each token has one: what follows it
  torch::Tensor index_B;  // int64, the example's place in its split
  torch::Tensor mask_BS;  // bool, false at padding of the texts; undefined when nothing is padded
  RandomKey random;       // the draws of this forward pass
  std::vector<torch::Tensor> carry = {};  // what the network carried out of the batch before; empty: it starts anew
  int64_t first_position = 0;             // of the first token in its sequence: more than 0 when a text is continued
  bool keeps_past = false;                // whether what is carried out must do for continuing these sequences exactly
  std::vector<Sums> sums_before = {};     // of each MoE layer, over the earlier batches of the same step; may be empty
  RouteOverride route_override = {};      // for all MoE layers
  torch::Tensor text_BS = {};  // token ids, int64, of the text beside each image; undefined where there is none

  bool begins_anew = false;  // its sequences do not continue those of the batch before

  int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }
  /// Takes what the network carried out of the batch before, unless its sequences begin anew.
  void take_over(std::vector<torch::Tensor> carried) {
    if (!begins_anew) carry = std::move(carried);
  }
};

/// What a network must know of the data it reads.
struct DataShape {
  int64_t channels = 1;
  int64_t height = 0;
  int64_t width = 0;
  int64_t num_classes = 0;
  int64_t vocabulary = 0;  // different tokens of a text; 0 for images and features
  int64_t length = 0;      // tokens of an example's text

  /// Texts alone.
  bool is_text() const { return vocabulary > 0 && height == 0; }
  /// Images, each with a text beside it.
  bool is_paired() const { return vocabulary > 0 && height > 0; }
};

}  // namespace heterodyne
