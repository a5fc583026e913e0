#include "heterodyne/convert/score.h"

#include <fmt/format.h>

namespace heterodyne {

ScoreRegistry empty_scores() { return ScoreRegistry("score"); }

Scored score_domain(Network& network, const Score& score, const BatchSource& next) {
  const auto layers = dense_layers_of(network);
  const int64_t F = layers.front().num_neurons();
  for (const auto& layer : layers) {
    if (!layer.is_gated())
      throw Error(
          "convert.score",
          fmt::format("{}: expected a gated layer without biases (swiglu, geglu), got another: its neurons cannot "
                      "be scored. Partitions without scores: contiguous, copies, moefication, emoe, "
                      "random_homogeneous",
                      layer.name));
    if (layer.num_neurons() == F) continue;
    throw Error("convert.score", fmt::format("{}: expected {} neurons, as {} has, got {}", layer.name, F,
                                             layers.front().name, layer.num_neurons()));
  }
  network.eval();
  Scored found{torch::zeros({static_cast<int64_t>(layers.size()), F}, torch::kFloat64)};
  if (!score.reads_texts()) {
    score.add(network, layers, {}, found.score_LF);
    return found;
  }
  while (const auto batch = next()) {
    score.add(network, layers, *batch, found.score_LF);
    found.num_sequences += batch->size();
  }
  if (found.num_sequences == 0) throw Error("convert.score", "expected texts of each domain, got one without any");
  return found;
}

torch::Tensor sum_of_sequences(const torch::Tensor& value_TF, int64_t num_sequences) {
  const int64_t F = value_TF.size(1);
  return value_TF.to(torch::kFloat64).view({num_sequences, -1, F}).sum(1).abs().sum(0);
}

}  // namespace heterodyne
