// Score: how much each hidden neuron of the dense layers matters to a domain. Each kind is one file in scores/; the
// file's stem is its name in configurations and in `heterodyne ls scores`.
//
// Letters used here and in scores/: B sequences, S tokens, T = B x S, F neurons, H width, L dense layers of equal
// width.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/convert/dense_layers.h"

namespace heterodyne {

/// The next batch of a domain, or nothing after the last.
using BatchSource = std::function<std::optional<Batch>()>;

class Score {
 public:
  virtual ~Score() = default;
  /// Adds a batch's scores to sum_LF, float64 [L, F]; the network is in eval mode. Sequences count one by one, so that
  /// how they are put into batches makes no difference.
  virtual void add(Network& network, const std::vector<DenseLayer>& layers, const Batch& batch,
                   torch::Tensor& sum_LF) const = 0;
  /// Whether the texts matter at all.
  virtual bool reads_texts() const { return true; }
};

struct ScoreKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Score>(const Table& settings, const Place&)> make;
};
using ScoreRegistry = Registry<ScoreKind>;

/// The built-in kinds.
const ScoreRegistry& scores();
ScoreRegistry empty_scores();

/// The kind made of a class with an Options struct and a constructor (Options).
template <class T>
ScoreKind score_kind(std::string summary) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place) -> std::shared_ptr<Score> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place));
          }};
}

struct Scored {
  torch::Tensor score_LF;  // float64
  int64_t num_sequences = 0;
};

/// The scores of one domain. Throws Error when the layers differ in width or the domain has no text.
Scored score_domain(Network& network, const Score& score, const BatchSource& next);

/// float64 [F]: the sum over each sequence's tokens, then of the absolute values over sequences. value_TF.
torch::Tensor sum_of_sequences(const torch::Tensor& value_TF, int64_t num_sequences);

}  // namespace heterodyne
