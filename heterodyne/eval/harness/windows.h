// Windows: pieces of text with the symbols that a network should predict at their ends, scored many at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "heterodyne/model/network.h"

namespace heterodyne {

/// The last `wanted.size()` positions of `inputs` predict `wanted`; as many as that at most.
struct TextWindow {
  std::vector<int64_t> inputs, wanted;

  bool operator==(const TextWindow&) const = default;
};

struct WindowScore {
  double log_likelihood = 0;  // natural, summed over `wanted`; the softmax is taken in float64
  bool is_greedy = true;      // whether each of them was the most probable symbol

  bool operator==(const WindowScore&) const = default;
};

struct ScoringOptions {
  int64_t tokens = 4096;  // of a batch at most, padding included; a longer window is a batch of its own
  /// Told the score of each window as it is known, by its place in the list.
  std::function<void(size_t place, const WindowScore&)> on_score = {};
  /// Asked after each batch, with the windows done so far; false ends it. May be empty.
  std::function<bool(size_t num_done)> on_batch = {};
};

/// Scores all windows, the longest first, those of about the same length in one batch; windows with equal inputs are
/// run once. Shorter ones are padded behind their ends and masked; a network that sees the future gets equal lengths
/// only. The network is a language model in eval mode. Returns whether all were scored. Throws Error when a window
/// wants no symbol or more than it has inputs.
bool score_windows(Network& network, const std::vector<TextWindow>& windows, const ScoringOptions& options);

/// The score of one.
WindowScore score_window(Network& network, const TextWindow& window);

}  // namespace heterodyne
