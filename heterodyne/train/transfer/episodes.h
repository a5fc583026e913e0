// Episodes: small tasks drawn from a data set, a few labelled examples and others to be classified (Vinyals et al.
// 2016, "Matching networks for one shot learning", section 2.2).
//
// Letters: W classes of an episode (ways), K labelled examples of each (shots), Q others of each (queries).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// Examples by their places in their split, with the episode's own labels 0 .. W-1. int64, CPU.
struct LabelledPlaces {
  torch::Tensor index_N;
  torch::Tensor label_N;
};

struct Episode {
  std::vector<int64_t> classes;  // of the data set, by the episode's label
  LabelledPlaces support;        // W x K
  LabelledPlaces query;
};

struct EpisodeOptions {
  int64_t ways = 5;
  int64_t shots = 5;
  int64_t queries = 15;
  uint64_t seed = 0;
};

/// Draws from one split: each episode its own classes, without replacement, and of each its examples, without
/// replacement. Classes come from the stream "fewshot.classes", examples from "fewshot.examples", addressed by seed and
/// number: an episode does not depend on the others.
class EpisodeSampler {
 public:
  /// label_N are those of the split. Throws ConfigError of "fewshot": fewer than two ways, more ways than there are
  /// classes with examples, more shots and queries than a class has examples.
  EpisodeSampler(const torch::Tensor& label_N, const std::vector<std::string>& class_names, EpisodeOptions options);

  Episode draw(int64_t number) const;

 private:
  EpisodeOptions options_;
  std::vector<int64_t> classes_;              // those with examples
  std::vector<std::vector<int64_t>> places_;  // of each of them
};

/// `shots` examples of every class of one split as the support, all examples of another as the query: the balanced
/// protocol. Draw `number` comes from the stream "fewshot.examples". Throws ConfigError of "fewshot" when a class has
/// fewer examples, or none.
Episode balanced_draw(const torch::Tensor& support_label_N, const torch::Tensor& query_label_N,
                      const std::vector<std::string>& class_names, int64_t shots, uint64_t seed, int64_t number);

}  // namespace heterodyne
