// Optimizer: turns gradients into steps. Each kind is one file in optimizers/.
//
// State is kept by parameter name, never by address, so it follows a parameter through checkpoints and resizing. A
// parameter without a gradient is stepped as if its gradient were zero: moments decay and weight decay goes on.
//
// Experts that got no token have no gradient, and where there are many of them their steps are most of the work. What
// becomes of those is the setting idle_experts:
//   step    the rule above
//   replay  the same, put off until the expert is next read: all the steps it missed in one pass over its values. The
//           weights are those of `step` up to rounding (1e-6 of their size). Who reads weights calls catch_up() first.
//   leave   nothing: weights, moments and the count of steps stay as they are until the next gradient
// Clipping looks at gradients alone, so its factor is the same for all three.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
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

/// Whether the parameter of that name is one of a routed expert.
bool is_of_expert(const std::string& name);

/// What becomes of an expert without tokens, see above.
struct IdleOptions {
  std::string idle_experts = "step";
  void visit(Fields& field) {
    field("idle_experts", idle_experts,
          "an expert without a token is stepped with a gradient of zero (step), the same when it is next read (replay: "
          "less work), or left as it is (leave)",
          one_of("step", "replay", "leave"));
  }
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step with each parameter's grad(). Parameters that do not require a gradient are left alone.
  void step(const NamedParameters& parameters, double lr);
  /// SGD's momentum or Adam's beta1, from the next step on.
  virtual void set_momentum(double momentum) = 0;
  virtual double momentum() const = 0;

  /// Takes the steps that were put off, of all parameters or of experts of a layer. The parameters of the latest step()
  /// must still be there.
  void catch_up();
  void catch_up(const std::string& layer, const std::vector<int64_t>& ids);
  /// Whether steps were put off.
  bool is_behind() const { return num_behind_ > 0; }

  /// Every state tensor: "<parameter>.<key>". Of parameters whose steps were put off also "<parameter>.idle_weight",
  /// what they hold without CaughtUp, and "<parameter>.idle_since", an index into "missed_steps".
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  /// Takes over state saved by state(); parameters whose steps were put off get the values of before those. Throws
  /// FormatError naming `file` and the first tensor that fits no parameter.
  void load_state(const NamedParameters& parameters, const std::vector<std::pair<std::string, torch::Tensor>>& state,
                  const std::string& file);

  /// Follows a change of the number of experts; `prefix` is the layer's name. New entries get the mean second moment of
  /// the others and nothing else.
  void remap(const std::string& prefix, const std::vector<AxisChange>& changes);
  /// Forgets parameters that are gone.
  void keep_only(const NamedParameters& parameters);

 protected:
  explicit Optimizer(const IdleOptions& idle) : idle_(idle.idle_experts) {}

  /// State tensors of one parameter by key: scalars, or of the parameter's shape, if need be without one axis.
  using State = std::map<std::string, torch::Tensor>;

  /// Fresh state for the parameter of that name.
  virtual State initial_state(const std::string& name, const torch::Tensor& parameter) const = 0;
  /// Which axis of its parameter a state tensor lacks, counted from the end (-1 is the last); 0 for none.
  virtual int64_t missing_axis(const std::string& key) const { return static_cast<void>(key), 0; }
  /// Whether the entries of a new expert start with the mean of the others' instead of zero.
  virtual bool starts_at_mean(const std::string& key) const { return static_cast<void>(key), false; }

  /// What a step depends on beside gradients and state.
  struct Rates {
    double lr, momentum;
  };
  struct Entry {
    torch::Tensor parameter;
    torch::Tensor gradient;
    State* state;
    std::span<const Rates> missed = {};  // steps that the parameter has taken and its state has not, if can_follow()
  };
  virtual void update(const std::vector<Entry>& entries, double lr) = 0;

  /// Steps without a gradient, one after the other. `weights_only`: state stays as it is. Entries have no gradient.
  /// This one calls update(); a kind whose steps are a formula overrides it.
  virtual void replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only);

  /// Whether state may stay behind its parameter, to follow in the next update() or in follow(), which takes the missed
  /// steps of each entry's state alone.
  virtual bool can_follow(const Entry& entry) const { return static_cast<void>(entry), false; }
  virtual void follow(const std::vector<Entry>& entries) const { static_cast<void>(entries); }

 private:
  friend class CaughtUp;
  // A parameter whose steps were put off.
  struct Behind {
    torch::Tensor parameter;
    size_t since = 0;                // the first of missed_ that it has not seen
    torch::Tensor weight_kept = {};  // its values while CaughtUp shows others
    bool is_state_alone = false;     // the parameter has seen them all since
  };
  struct Record {
    State state;
    std::optional<Behind> behind = {};
  };
  using RecordByName = std::map<std::string, Record>;

  Record* find_record(size_t i, const std::string& name);
  Record& record_of(size_t i, const std::string& name, const torch::Tensor& parameter);
  std::span<const Rates> missed_by(const Record& record) const;
  void forget_behind(Record& record);
  std::vector<Record*> all_behind();
  static State copy_of(const State& state);
  torch::Tensor zero_gradient(const torch::Tensor& parameter);
  void replay_behind(const std::vector<Record*>& who, bool weights_only);
  void load_behind(const NamedParameters& parameters, const std::vector<std::pair<std::string, torch::Tensor>>& saved,
                   const std::string& file);

  std::string idle_;
  RecordByName records_;
  std::vector<RecordByName::iterator> places_;  // of the latest step's parameters, in their order
  size_t num_behind_ = 0;
  std::vector<Rates> missed_;              // steps since the first that somebody who is behind has not seen
  std::vector<torch::Tensor> zeros_ = {};  // gradients of those that have none, one for each dtype
};

/// While it lives, parameters hold the values that they have with the steps that were put off. Then they go back to
/// those that the optimizer works on: so it makes no difference to a run when somebody looked.
class CaughtUp {
 public:
  explicit CaughtUp(Optimizer& optimizer);
  ~CaughtUp();
  CaughtUp(const CaughtUp&) = delete;
  CaughtUp& operator=(const CaughtUp&) = delete;

 private:
  Optimizer& optimizer_;
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
