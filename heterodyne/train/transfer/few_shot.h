// FewShot: how well a network's features do on tasks with a few labelled examples, by several ways to learn from them.
//
// Features are what the network gives its head: the intermediate result that it shows as "feature". Its own head has no
// part in any of this; each way brings a classifier of the episode's classes.
//
// Letters: N examples, D features, W classes of an episode.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/data/dataset.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/transfer/episodes.h"

namespace heterodyne {

/// nearest_mean: the class whose labelled examples have the nearest mean (Snell et al. 2017, with Euclidean distance).
/// linear_probe: softmax regression on the features, which stay as they are. fine_tune: a new linear head and the whole
/// network. fine_tune_frozen: the same but for the frozen parameters, experts by default.
const std::vector<std::string>& few_shot_methods();

struct FewShotOptions {
  torch::Dtype dtype = torch::kFloat32;  // the network's
  int64_t steps = 100;                   // of fine-tuning
  int64_t batch = 32;                    // labelled examples of a step, at most
  double lr = 1e-3;                      // of fine-tuning, by AdamW
  double weight_decay = 0.01;
  double probe_decay = 1e-3;  // half of it times the squared weights is added to the probe's mean loss
  std::vector<std::string> freeze = {"layers.*.experts.*"};
  uint64_t seed = 0;  // of fine-tuning's batches and dropout
};

class FewShot {
 public:
  /// Labelled examples are from one split of the data set, queries from another or the same. Both must outlive it.
  /// Throws ConfigError of "fewshot" when the network shows no features, or a pattern to freeze fits none of its
  /// parameters.
  FewShot(Network& network, const Dataset& dataset, Split support, Split query, FewShotOptions options);

  /// The share of the episode's queries that `method` answers rightly; `number` is the episode's. The network is left
  /// as it was. Throws ConfigError when there is no such method.
  double accuracy(const std::string& method, const Episode& episode, int64_t number);

 private:
  torch::Tensor features(Split split, const torch::Tensor& index_N);
  torch::Tensor support_features(const Episode& episode);
  const torch::Tensor& query_features();
  double by_means(const Episode& episode);
  double by_probe(const Episode& episode);
  double by_tuning(const Episode& episode, int64_t number, const std::vector<std::string>& frozen);
  void tune(const Episode& episode, int64_t number, torch::Tensor& weight_WD, torch::Tensor& bias_W);

  Network& network_;
  const Dataset& dataset_;
  Split support_, query_;
  FewShotOptions options_;
  torch::Tensor query_ND_;  // features of the whole split, once somebody asked
};

/// The weights [W, D + 1], the last column being the bias, that minimise the mean cross entropy of softmax regression
/// plus decay / 2 times the squared weights (not of the bias): 300 steps of Nesterov's accelerated gradient, from zero,
/// with the step that Boehning's bound of the curvature (1992) allows. float64 inside.
torch::Tensor softmax_regression(const torch::Tensor& x_ND, const torch::Tensor& label_N, int64_t num_classes,
                                 double decay);

}  // namespace heterodyne
