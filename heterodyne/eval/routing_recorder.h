// Routing recorder: fills a routing profile batch by batch, in one pass and in memory that does not grow with the data.
//
// Letters: B examples, S tokens of an example, T = B x S, E experts, Y classes, G groups.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/data/permutation.h"
#include "heterodyne/eval/routing_profile.h"
#include "heterodyne/eval/top_tokens.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

/// A way to sort symbols: group_of[id] says where each belongs, -1 for nowhere.
struct SymbolGroups {
  std::string name;
  std::vector<std::string> labels;
  std::vector<int64_t> group_of;
};

struct RecorderOptions {
  std::vector<std::string> class_names;
  /// Labels of the whole split (int64, CPU): what a shuffle deals out anew among the examples. Undefined: no shuffles.
  torch::Tensor label_of_example;
  int64_t num_shuffles = 100;
  int64_t num_sampled_tokens = 1024;
  uint64_t seed = 0;  // of the shuffles
  /// Ways to sort the tokens of a text by their symbol.
  std::vector<SymbolGroups> token_types = {};
  /// Of a text: which symbols each expert gets is counted. Empty for other data.
  Vocabulary vocabulary = {};
  /// Of the texts beside images: which words each expert gets is counted.
  Vocabulary words = {};
  int64_t num_modality_shuffles = 20;
};

/// A way to sort the tokens of a batch: group_T (int64) says where each belongs, -1 for nowhere.
struct TokenGroups {
  std::string name;
  std::vector<std::string> labels;
  torch::Tensor group_T;
};

class RoutingRecorder {
 public:
  /// Looks at the network's layers and their experts as they are now.
  RoutingRecorder(Network& network, RecorderOptions options);

  /// What the forward pass must be given for add().
  static RoutingLog log();
  /// `log` is that of the forward pass of `batch`. Tokens are sorted by the class of their example, by row and column
  /// of the picture's patches where the network has such a grid, by modality where there are several, and by `groups`.
  /// Throws Error when a layer's number of experts differs from before.
  void add(const Batch& batch, const RoutingLog& log, const std::vector<TokenGroups>& groups = {});

  /// Of all batches so far.
  std::vector<LayerProfile> layers() const;

 private:
  std::vector<TokenGroups> groups_of(const Batch& batch, int64_t num_tokens) const;
  void add_parts(const Batch& batch, const torch::Tensor& place_T, std::vector<TokenGroups>& all) const;
  std::vector<std::vector<int64_t>> shuffled_labels(const Batch& batch) const;
  void add_modality_shuffles(const Batch& batch, const Routing& routing, size_t layer);

  RecorderOptions options_;
  TokenGrid grid_;
  std::vector<TokenPart> parts_;
  int64_t num_examples_ = 0;  // so far
  std::vector<ShuffledRange> shuffles_;
  std::vector<LayerProfile> layers_;
  std::vector<TokenCounter> tokens_;                                  // of each layer; empty but for texts
  std::vector<std::vector<std::vector<int64_t>>> shuffled_;           // of each layer and shuffle: count_EY
  std::vector<std::vector<std::vector<int64_t>>> shuffled_modality_;  // the same: count_EG
};

}  // namespace heterodyne
