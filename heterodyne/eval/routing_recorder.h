// Routing recorder: fills a routing profile batch by batch, in one pass and in memory that does not grow with the data.
//
// Letters: B examples, S tokens of an example, T = B x S, E experts, Y classes, G groups.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/random.h"
#include "heterodyne/eval/routing_profile.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

struct RecorderOptions {
  std::vector<std::string> class_names;
  /// Labels of the whole split (int64, CPU): what a shuffle deals out anew among the examples. Undefined: no shuffles.
  torch::Tensor labels;
  int64_t num_shuffles = 100;
  int64_t num_sampled_tokens = 1024;
  uint64_t seed = 0;  // of the shuffles
};

/// A way to sort the tokens of a batch: group_T (int64) says where each belongs, -1 for nowhere.
struct TokenGroups {
  std::string name;
  std::vector<std::string> labels;
  torch::Tensor group_T;
};

class RoutingRecorder {
 public:
  RoutingRecorder(Network& network, RecorderOptions options);

  /// What the forward pass must keep for add().
  RoutingLog log() const;
  /// `log` is that of the forward pass of `batch`. Tokens are sorted by the class of their example, by row and column
  /// of the picture's patches where the network has such a grid, and by `groups`. Throws Error when a layer's number of
  /// experts differs from before.
  void add(const Batch& batch, const RoutingLog& log, const std::vector<TokenGroups>& groups = {});

  const std::vector<LayerProfile>& layers() const { return layers_; }

 private:
  void add_shuffled(const Batch& batch, size_t layer, const torch::Tensor& count_BE);

  Network& network_;
  RecorderOptions options_;
  int64_t num_examples_ = 0;
  std::vector<LayerProfile> layers_;
  std::vector<torch::Tensor> shuffled_SEY_;  // int64, of each layer
};

}  // namespace heterodyne
