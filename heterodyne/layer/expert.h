// Expert: a network of any architecture that answers the tokens it is sent. Each kind is one file in experts/.
//
// A row-wise kind answers each row from that row alone. A context kind (vit_block) also looks at the whole sequences
// that its rows come from, but computes queries and feed-forward parts for its rows only.
//
// Letters used here and in experts/: B sequences, S tokens of a sequence, N rows of this expert, D width, O output
//                                    width, F hidden width.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "heterodyne/base/cost.h"
#include "heterodyne/base/random.h"
#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/ops/expert_mlp.h"

namespace heterodyne {

struct ExpertContext {
  int64_t width = 0;         // D
  int64_t output_width = 0;  // O
  int64_t index = 0;         // which of its group: picks its entry of a list setting
  Init init;                 // its name is the expert's, "layers.3.experts.7"
};

struct ExpertInput {
  torch::Tensor x_ND;     // this expert's rows
  torch::Tensor token_N;  // int64, ascending: which tokens of the batch they are, b x S + s
  torch::Tensor x_BSD;    // all tokens of the batch
  torch::Tensor mask_BS;  // bool, false at padding; undefined when nothing is padded
  RandomKey random;
  torch::Tensor past_BSD = {};  // what came before x_BSD in the same sequences, when a text is continued
};

/// How much work there is: rows of one expert, and the batch they come from.
struct ExpertLoad {
  double rows = 0;
  double tokens = 0;   // B x S
  int64_t length = 1;  // S
};

class Expert : public torch::nn::Module {
 public:
  /// [N, O]. Row n depends on x_ND[n], in context kinds also on the sequence of token_N[n], and on nothing else: not
  /// on which other rows came along. Draws are addressed by token. Throws ShapeError unless x_ND is [N, D].
  virtual torch::Tensor forward(const ExpertInput& input) = 0;

  /// The parameters of a kind whose forward() is what ops/expert_mlp.h computes: a layer runs all such experts
  /// together, in the place of forward(). Undefined for other kinds.
  virtual ops::ExpertMlp as_mlp() const { return {}; }

  virtual bool needs_context() const { return false; }
  /// A row does not depend on later tokens of its sequence.
  virtual bool is_causal() const { return true; }

  /// MACs of these rows alone, and of what is really computed for them. `params` counts every parameter once.
  virtual CostPair cost(const ExpertLoad& load) const = 0;

 protected:
  int64_t num_params() const;
  /// The pair for a kind whose rows cost the same and that computes nothing else.
  CostPair row_cost(double macs_per_row, const ExpertLoad& load) const;
};

/// Settings that every kind accepts in a group of a layer's `experts`.
struct ExpertGroupOptions {
  std::string name;
  int64_t count = 1;
  void visit(Fields& field) {
    field("name", name, "what reports call the group; its kind when empty");
    field("count", count, "experts in the group; as many as the longest list setting has entries, by default",
          at_least(1));
  }
};

/// The experts that a group of a layer starts with: its count, or the length of its longest list setting.
/// Throws ConfigError when both are given and differ.
int64_t num_experts_of(const Member& group);

struct ExpertKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Expert>(const Table& settings, const Place&, const ExpertContext&)> make;
  bool is_null = false;  // answers zeros; its rows are never carried to it
};
using ExpertRegistry = Registry<ExpertKind>;

/// The built-in kinds.
const ExpertRegistry& experts();
ExpertRegistry empty_experts();

/// The kind made of a class with an Options struct and a constructor (Options, ExpertContext).
template <class T>
ExpertKind expert_kind(std::string summary, bool is_null = false) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place, const ExpertContext& context) -> std::shared_ptr<Expert> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place), context);
          },
          is_null};
}

/// Throws ConfigError unless the context's output width equals its width, for kinds that cannot change it.
void check_same_width(const std::string& kind, const ExpertContext& context);

/// "gelu" (the exact form), "gelu_tanh", "relu" or "silu".
torch::Tensor activate(const std::string& activation, const torch::Tensor& x);
ops::Activation activation_of(const std::string& name);
Rule one_of_activations();

}  // namespace heterodyne
