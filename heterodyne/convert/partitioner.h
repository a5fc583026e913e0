// Partitioner: divides the hidden neurons of a dense feed-forward layer among experts. Each kind is one file in
// partitioners/; the file's stem is its name in configurations and in `heterodyne ls partitioners`.
//
// Letters used here and in partitioners/: F neurons, H width, E experts, D domains, M modules.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/convert/neuron_map.h"

namespace heterodyne {

struct PartitionInput {
  torch::Tensor key_FH;    // what a neuron looks for: DenseLayer::key_FH()
  torch::Tensor score_FD;  // float64, how much each neuron matters to each domain, as it was measured; may be undefined
  /// The same after log(1 + score) and the division of each domain by its length over all layers and neurons.
  torch::Tensor level_FD;
  int64_t num_experts = 8;
  int64_t layer = 0;
  uint64_t seed = 0;

  int64_t num_neurons() const { return key_FH.size(0); }
};

struct Partitioned {
  NeuronMap map;
  double objective = 0, bound = 0;  // of a kind that maximises something; bound 0 for the others
};

class Partitioner {
 public:
  virtual ~Partitioner() = default;
  /// Draws come from streams named after the kind and the layer. Throws Error naming the bound when sizes do not fit.
  virtual Partitioned divide(const PartitionInput& input) const = 0;
  /// Whether it needs score_FD and level_FD.
  virtual bool reads_scores() const { return true; }
};

struct PartitionerKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Partitioner>(const Table& settings, const Place&)> make;
};
using PartitionerRegistry = Registry<PartitionerKind>;

/// The built-in kinds.
const PartitionerRegistry& partitioners();
PartitionerRegistry empty_partitioners();

/// The kind made of a class with an Options struct and a constructor (Options).
template <class T>
PartitionerKind partitioner_kind(std::string summary) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place) -> std::shared_ptr<Partitioner> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place));
          }};
}

/// log(1 + score), then each domain divided by its length over all layers and neurons; zeros stay. score_LFD float64.
torch::Tensor levels_of(const torch::Tensor& score_LFD);

/// Equal experts of neurons with similar keys: balanced_clusters() with centers drawn from the stream
/// "convert.KIND.LAYER".
Partitioned divide_by_keys(const PartitionInput& input, int64_t most_rounds, const std::string& kind);
/// F / E of the neurons for each expert; throws Error unless E divides F.
int64_t equal_share(const PartitionInput& input);
/// int64 [F]: the neurons in an order drawn from the stream of this name.
std::vector<int64_t> shuffled_neurons(const PartitionInput& input, const std::string& stream);

}  // namespace heterodyne
