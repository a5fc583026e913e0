// Grower: decides when experts come and go while a model trains. Each kind is one file in growers/; the file's stem is
// its name in configs and in `heterodyne ls growers`. What a change consists of is growth/pool.h.
//
// A grower is asked after each optimizer step, with that step's sums over all its batches, and told of each validation.
// What it remembers from one time to the next is a value that checkpoints hold, so a run that is broken and resumed
// decides as an unbroken one does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/train/growth/pool.h"

namespace heterodyne {

struct GrowthStep {
  int64_t step = 0;               // steps done
  const std::vector<Sums>& sums;  // of each MoE layer, see Router::after_step()
};

/// What a grower is made for.
struct GrowerContext {
  Network& network;
  int64_t num_steps = 0;        // of the whole run
  int64_t num_validations = 0;  // of the whole run, but for one after the last step
};

class Grower {
 public:
  virtual ~Grower() = default;

  /// `memory` is empty at first, and then as the grower left it.
  virtual void after_step(const GrowthStep& step, Sums& memory, Pool& pool) const = 0;
  /// Only remembers: the checkpoint of this moment holds the model that was validated.
  virtual void after_validation(double loss, Sums& memory) const { static_cast<void>(loss), static_cast<void>(memory); }
  /// Limits, and what new experts begin with.
  const PoolOptions& pool_options() const { return options_; }

 protected:
  Grower() = default;  // never changes anything
  /// `kind` is the member's name, "grower.by_load". Throws ConfigError when the network has no MoE layer, one with a
  /// router whose experts cannot come and go one by one, or one with more experts than the limits allow or fewer.
  Grower(const std::string& kind, PoolOptions options, const GrowerContext& context);

 private:
  PoolOptions options_;
};

struct GrowerKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Grower>(const Table& settings, const Place&, const GrowerContext& context)> make;
};
using GrowerRegistry = Registry<GrowerKind>;

/// The built-in kinds.
const GrowerRegistry& growers();
GrowerRegistry empty_growers();

/// The kind made of a class with an Options struct and a constructor (Options, GrowerContext).
template <class T>
GrowerKind grower_kind(std::string summary) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place, const GrowerContext& context) -> std::shared_ptr<Grower> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place), context);
          }};
}

/// When decisions fall: every `period` steps after `start`, up to `stop`.
struct GrowthPeriod {
  int64_t start = 0;
  int64_t period = 200;
  int64_t stop = 0;
  void visit(Fields& field) {
    field("start", start, "steps before the first period begins", at_least(0));
    field("period", period, "steps from one decision to the next", at_least(1));
    field("stop", stop, "the last step that may change anything; 0: the run's last", at_least(0));
  }
  bool is_due(int64_t step) const {
    return step > start && (step - start) % period == 0 && (stop == 0 || step <= stop);
  }
  /// Whether what happens in this step counts for a decision to come.
  bool is_watching(int64_t step) const {
    return step > start && (stop == 0 || step + (period - (step - start) % period) % period <= stop);
  }
  /// Throws ConfigError when there is no decision within a run of so many steps.
  void check(const std::string& kind, int64_t num_steps) const;
};

/// Adds the step's assignments, and what it says of unrouted tokens, to those remembered. Throws Error when a layer has
/// another number of experts than is remembered.
void remember(const GrowthStep& step, const std::vector<MoeLayer*>& layers, Sums& memory);
/// The assignments of each expert, by position; zeros when none are remembered.
std::vector<double> remembered_load(const MoeLayer& layer, const Sums& memory);
/// A remembered value of the layer by its name among the sums, "unrouted"; undefined when there is none.
torch::Tensor remembered(const MoeLayer& layer, const std::string& name, const Sums& memory);
/// Forgets all that remember() added.
void forget_loads(Sums& memory);

/// A grower that decides at each period, layer by layer, by the assignments since the last time.
class LoadGrower : public Grower {
 public:
  void after_step(const GrowthStep& step, Sums& memory, Pool& pool) const override;

 protected:
  /// As for Grower. Throws ConfigError also when the run has no whole period.
  LoadGrower(const std::string& kind, PoolOptions options, const GrowthPeriod& when, const GrowerContext& context);
  /// load_E: the assignments of each expert, by position.
  virtual void decide(MoeLayer& layer, const std::vector<double>& load_E, Pool& pool) const = 0;

 private:
  GrowthPeriod when_;
};

/// The id of the expert with the largest value, the first of equals; -1 without experts.
int64_t id_of_largest(const MoeLayer& layer, const std::vector<double>& value_E);

/// "1 step", "300 steps"
std::string steps_text(int64_t count);

}  // namespace heterodyne
