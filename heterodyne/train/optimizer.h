// Optimizer: turns gradients into steps. Each kind is one file in optimizers/.
//
// State is kept by parameter name, never by address, so it follows a parameter through checkpoints and resizing. A
// parameter without a gradient is stepped as if its gradient were zero: moments decay and weight decay goes on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/layer/resize.h"

namespace heterodyne {

/// Parameters by name, in the network's order.
using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;
NamedParameters parameters_of(const torch::nn::Module& network);

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step with each parameter's grad(). Parameters that do not require a gradient are left alone.
  void step(const NamedParameters& parameters, double lr);
  /// SGD's momentum or Adam's beta1, from the next step on.
  virtual void set_momentum(double momentum) = 0;

  /// Every state tensor: "<parameter>.<key>".
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  /// Takes over state saved by state(). Throws FormatError naming `file` and the first tensor that fits no parameter.
  void load_state(const NamedParameters& parameters, const std::vector<std::pair<std::string, torch::Tensor>>& state,
                  const std::string& file);

  /// Follows a change of the number of experts; `prefix` is the layer's name. New entries get the mean second moment of
  /// the others and nothing else.
  void remap(const std::string& prefix, const std::vector<AxisChange>& changes);
  /// Forgets parameters that are gone.
  void keep_only(const NamedParameters& parameters);

 protected:
  /// State tensors of one parameter by key: scalars, or of the parameter's shape, if need be without one axis.
  using State = std::map<std::string, torch::Tensor>;

  /// Fresh state for the parameter of that name.
  virtual State initial_state(const std::string& name, const torch::Tensor& parameter) const = 0;
  /// Which axis of its parameter a state tensor lacks, counted from the end (-1 is the last); 0 for none.
  virtual int64_t missing_axis(const std::string& key) const { return static_cast<void>(key), 0; }
  /// Whether the entries of a new expert start with the mean of the others' instead of zero.
  virtual bool starts_at_mean(const std::string& key) const { return static_cast<void>(key), false; }

  struct Entry {
    torch::Tensor parameter;
    torch::Tensor gradient;
    State* state;
  };
  virtual void update(const std::vector<Entry>& entries, double lr) = 0;

 private:
  std::map<std::string, State> state_;
};

/// Settings that every optimizer shares.
struct OptimizerOptions {
  double lr = 1e-3;
  double clip_norm = 0;
  void visit(Fields& field) {
    field("lr", lr, "learning rate, before the schedule", more_than(0));
    field("clip_norm", clip_norm, "largest norm of all gradients together; longer ones are scaled down; 0 for no limit",
          at_least(0));
  }
};

/// Those of the optimizer that was chosen.
OptimizerOptions rates_of(const Member& optimizer);

struct OptimizerKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Optimizer>(const Table& settings, const Place&)> make;
};
using OptimizerRegistry = Registry<OptimizerKind>;

/// The built-in kinds.
const OptimizerRegistry& optimizers();
OptimizerRegistry empty_optimizers();

/// The kind made of a class with an Options struct and a constructor (Options).
template <class T>
OptimizerKind optimizer_kind(std::string summary) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place) -> std::shared_ptr<Optimizer> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place));
          }};
}

/// The norm of all gradients together; when it exceeds `limit` > 0 they are scaled to it (Pascanu et al. 2013).
double clip_gradients(const NamedParameters& parameters, double limit);

}  // namespace heterodyne
