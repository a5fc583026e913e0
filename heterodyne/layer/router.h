// Router: decides which experts work on which tokens.
//
// A router owns the learned gate and nothing else. It moves no tokens (that is dispatcher.h) and computes no balance
// losses (balancer.h). Each kind is one file in routers/; the file's stem is its name in configs and in
// `heterodyne ls routers`.
//
// Letters used here and in routers/: T tokens, D width, E experts, K choices per token, N chosen pairs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/layer/routing.h"

namespace heterodyne {

/// What a router may know of an expert.
struct ExpertInfo {
  int64_t id = 0;
  std::string kind;
  int64_t group = 0;
  int64_t num_params = 0;
  double macs = 0;       // for one assignment
  bool is_null = false;  // answers nothing and costs nothing: "no expert" as a choice
};

struct RouterContext {
  int64_t width = 0;  // D
  std::vector<ExpertInfo> experts;
  Init init;  // its name is the router's, "layers.0.router"

  int64_t num_experts() const { return static_cast<int64_t>(experts.size()); }
};

/// A parameter or buffer with an axis that has one entry for each expert.
struct ExpertAxis {
  std::string name;  // inside the router: "gate.weight"
  torch::Tensor tensor;
  int64_t axis = 0;
};

class Router : public torch::nn::Module {
 public:
  /// Routes input.x_TD, floating point. T == 0 gives N == 0. The gate computes in float32 at least. In train mode a
  /// kind may draw from the input's random key; in eval mode equal inputs give equal outputs. Changes nothing: see
  /// after_step(). Throws ShapeError unless x_TD is [T, D] with this router's D, Error when a score is NaN.
  virtual Routing route(const RouteInput& input) = 0;

  /// Once per optimizer step, with the sums of all its batches: the router's own (Routing::sums), and "assignments_E"
  /// and "tokens", which the layer adds.
  virtual void after_step(const Sums& sums) { static_cast<void>(sums); }
  /// [E], float32: added to the scores when experts are selected, but not when they are weighed; a balancer may change
  /// it after a step. Undefined where the kind has none.
  virtual torch::Tensor selection_bias() { return {}; }
  /// Whether the router itself changes that bias after a step, so that no balancer is to.
  virtual bool moves_bias() const { return false; }
  /// [E, P], with gradient: what tokens are compared with, a row for each expert. Undefined where the kind has none.
  virtual torch::Tensor embeddings() { return {}; }
  /// Makes tokens like toward_D [D] those of the expert at this position, with the length of an average embedding, or
  /// of one where only directions count, and whatever else a new expert begins with. Changes nothing and returns false
  /// where the kind has no embeddings [E, D].
  virtual bool aim(int64_t position, const torch::Tensor& toward_D);
  /// Whether route() reads previous_logit_TE.
  virtual bool needs_previous_logits() const { return false; }

  /// Number of experts. Only resize.h changes it.
  virtual int64_t num_experts() const = 0;
  /// The most experts a token can get by the router's own rule.
  virtual int64_t max_choices() const = 0;
  /// Throws ConfigError when the kind, as it is set, cannot work with so many experts.
  virtual void check_num_experts(int64_t num_experts) const { static_cast<void>(num_experts); }
  /// The same with more known of them than their number.
  virtual void check_experts(const std::vector<ExpertInfo>& experts) const {
    check_num_experts(static_cast<int64_t>(experts.size()));
  }
  /// Everything that resize.h must change when the number of experts changes, and the number itself. A kind that has
  /// any treats experts alike: when entries change places, the choices change places with them.
  virtual std::vector<ExpertAxis> expert_axes() { return {}; }
  virtual void set_num_experts(int64_t num_experts) = 0;
  /// What resize.h calls: the number and what is known of the experts, by position. Tensors change after it. Throws
  /// like check_experts(), and then has changed nothing.
  virtual void set_experts(const std::vector<ExpertInfo>& experts) {
    check_experts(experts);
    set_num_experts(static_cast<int64_t>(experts.size()));
  }
  /// Multiply-adds for one token.
  virtual double macs_per_token() const { return 0; }
};

/// What `heterodyne ls -v` says of a kind beside its settings.
struct RouterTraits {
  bool is_causal = true;              // in eval mode a token's route does not depend on later tokens
  bool is_causal_in_training = true;  // the same in training
  bool may_drop = false;              // may leave tokens without expert for want of room
  bool is_balanced = false;           // equal loads by construction, in training at least
  bool takes_override = true;         // RouteInput::override can say how many experts a token gets
  bool is_resizable = true;           // experts can come and go
  bool needs_token_ids = false;       // only for text
  bool needs_labels = false;          // only for examples of known class
  bool is_straight_through = false;   // the gradient of weights and loads is not their derivative
  bool sums_unrouted = false;         // in training sums "unrouted_sum_D" and "unrouted" of tokens without experts
};

struct RouterKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Router>(const Table& settings, const Place&, const RouterContext&)> make;
  RouterTraits traits;
};
using RouterRegistry = Registry<RouterKind>;

/// The built-in kinds.
const RouterRegistry& routers();
RouterRegistry empty_routers();

/// The kind made of a class with an Options struct and a constructor (Options, RouterContext).
template <class T>
RouterKind router_kind(std::string summary, RouterTraits traits = {}) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place, const RouterContext& context) -> std::shared_ptr<Router> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place), context);
          },
          traits};
}

}  // namespace heterodyne
