// Network: a whole model, from a batch to logits. Each kind is one file in networks/; the file's stem is its name in
// configs and in `heterodyne ls networks`.
//
// Letters used here and in networks/: B examples, S tokens of an example, D width, C channels, H x W pixels,
//                                     Y classes, E experts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/cost.h"
#include "heterodyne/base/registry.h"
#include "heterodyne/layer/moe_layer.h"

namespace heterodyne {

struct NetworkContext {
  DataShape data;
  uint64_t seed = 0;  // of the initial values
};

struct NetworkOutput {
  torch::Tensor logit_BY;                 // [B, S, Y] where each token has a label
  NamedTensors losses;                    // weighted scalars beside the task's loss: "layers.0.switch_loss"
  std::vector<Sums> sums;                 // of each MoE layer, in the order of moe_layers()
  std::vector<torch::Tensor> carry = {};  // for the batch that continues this one's sequences; without gradient
};

/// A picture's patches.
struct TokenGrid {
  int64_t rows = 0;
  int64_t columns = 0;
};

/// Tokens of an example that follow one another and are of one modality.
struct TokenPart {
  std::string name;  // "image", "text"
  int64_t count = 0;
};

class Network : public torch::nn::Module {
 public:
  /// batch.inputs as the network's data shape says; draws come from batch.random. `log` may be null; nothing depends
  /// on it. Throws ShapeError when the inputs do not fit.
  virtual NetworkOutput forward(const Batch& batch, RoutingLog* log) = 0;

  /// In the order of computation.
  virtual std::vector<MoeLayer*> moe_layers() { return {}; }

  /// Of one example, when the experts of each MoE layer get these many of its tokens on average (by position, layers
  /// in the order of moe_layers()). The head, norms and positions are not counted, as is usual.
  virtual CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) = 0;
  /// Tokens that an example has in its MoE layers.
  virtual int64_t tokens_per_example() const = 0;
  /// Whether no answer depends on later tokens, so that text can be made token by token.
  virtual bool is_causal() { return false; }
  /// How they lie in the picture, row by row; empty where they do not. Of several parts, the tokens of the first.
  virtual TokenGrid token_grid() const { return {}; }
  /// Where tokens are of several modalities: all of them, part after part, the text last. Otherwise empty.
  virtual std::vector<TokenPart> token_parts() const { return {}; }
};

/// Trainable values.
int64_t num_params(const Network& network);

/// cost() under perfectly even loads.
CostPair even_cost(Network& network);

struct NetworkKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Network>(const Table& settings, const Place&, const NetworkContext&)> make;
  bool reads_text = false;   // token ids, otherwise images
  bool reads_pairs = false;  // images, each with a text
};
using NetworkRegistry = Registry<NetworkKind>;

/// The built-in kinds.
const NetworkRegistry& networks();
NetworkRegistry empty_networks();

/// The kind made of a class with an Options struct and a constructor (Options, NetworkContext).
template <class T>
NetworkKind network_kind(std::string summary, bool reads_text = false, bool reads_pairs = false) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place, const NetworkContext& context) -> std::shared_ptr<Network> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place), context);
          },
          reads_text, reads_pairs};
}

}  // namespace heterodyne
