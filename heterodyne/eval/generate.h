// Generate: text from a language model, token by token. The network is run on the new token alone and carries the rest.
//
// Letters: V symbols, S tokens of the text so far.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "heterodyne/model/network.h"

namespace heterodyne {

struct SamplingOptions {
  double temperature = 0.8;  // logits are divided by it; 0: always the most probable symbol
  int64_t top_k = 0;         // among so many most probable symbols; 0: all
  double top_p = 1;          // among the fewest most probable symbols that have this probability together
  uint64_t seed = 0;
};

/// The index of one symbol, drawn from the softmax of logit_V (floating, [V]) as the options say: a function of the
/// seed and `place` alone. Of equal logits the first counts as the larger. Throws Error when a logit is NaN.
int64_t sample(const torch::Tensor& logit_V, const SamplingOptions& options, uint64_t place);

struct GeneratedToken {
  int64_t id = 0;
  int64_t place = 0;  // in the whole text, the prompt included
  /// Ids of the experts that worked on it, for each MoE layer, best first. Empty for the newest token, which no layer
  /// has seen yet.
  std::vector<std::vector<int64_t>> experts;
};

/// A text in the making.
class Generator {
 public:
  /// The network is put into eval mode and must stay as it is. Throws ConfigError when it is not causal.
  explicit Generator(Network& network, RouteOverride route = {});

  /// Reads these symbols; their experts are told to `on_token` (may be empty). Throws Error when there are none.
  void read(const std::vector<int64_t>& ids, const std::function<void(const GeneratedToken&)>& on_token = {});
  /// Chooses the next symbol. It is not read yet: call read() with it.
  int64_t next(const SamplingOptions& options) const;

  /// Logits for the next symbol, float64 [V].
  const torch::Tensor& logits() const { return logit_V_; }
  int64_t num_read() const { return num_read_; }
  /// Experts per token over all layers and tokens read.
  double mean_k() const;

 private:
  Network& network_;
  RouteOverride route_;
  std::vector<torch::Tensor> carry_;
  torch::Tensor logit_V_;
  int64_t num_read_ = 0;
  int64_t num_pairs_ = 0, num_routed_ = 0;
};

}  // namespace heterodyne
