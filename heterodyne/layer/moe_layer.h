// MoeLayer: the Mixture-of-Experts layer. Routes tokens, runs the experts, combines their answers, computes losses.
//
// The residual around it belongs to the network. Its experts are a list of groups; an expert's *position* 0 .. E-1
// counts group after group and lives within one step; its *id* is given at birth, unique in the layer and never used
// again. Parameters are called "experts.<id>.…", logs and checkpoints speak of ids.
//
// Letters: B sequences, S tokens of a sequence, T = B x S, D width, O output width, E experts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/cost.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/layer/balancer.h"
#include "heterodyne/layer/dispatcher.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/layer/router.h"
#include "heterodyne/layer/routing.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {

struct MoeOptions {
  Member router{Table{{"kind", "top_k"}}};
  std::vector<Member> experts;
  std::vector<Member> shared;
  bool shared_gate = false;
  std::string combine = "sum";
  std::string output = "none";
  Member dispatcher{Table{{"kind", "local"}}};
  std::vector<Member> balancers;
  bool recompute = false;
  void visit(Fields& field) {
    field("router", router, "decides which experts work on which tokens", member_of(routers()));
    field("experts", experts, "groups of experts", member_of(heterodyne::experts()));
    field("shared", shared, "groups of experts that answer every token beside the routed ones",
          member_of(heterodyne::experts()));
    field("shared_gate", shared_gate, "whether the shared experts' sum is multiplied by a learned sigmoid of the token",
          effective_when(!shared.empty(), "shared = []"));
    field("combine", combine,
          "sum: of the answers times their weights; log_mixture: log of the weighted sum of exp(answer), for experts "
          "that answer with log-probabilities",
          one_of("sum", "log_mixture"));
    field("output", output, "what is applied to the combined answer", one_of("none", "sigmoid"));
    field("dispatcher", dispatcher, "carries tokens to experts and back", member_of(dispatchers()));
    field("balancers", balancers, "losses on the routing", member_of(heterodyne::balancers()));
    field("recompute", recompute,
          "whether the backward pass computes the experts' hidden values again instead of keeping them: less memory, "
          "the same numbers, about a third more time");
  }
};

struct MoeContext {
  int64_t width = 0;         // D
  int64_t output_width = 0;  // O
  Init init;                 // its name is the layer's, "layers.0"
};

struct MoeInput {
  torch::Tensor x_BSD;
  torch::Tensor mask_BS;  // bool; tokens that are false are routed nowhere. Undefined: all count
  RandomKey random;
  torch::Tensor token_id_BS = {};        // int64; undefined where tokens are no symbols
  torch::Tensor label_B = {};            // int64; undefined where examples have no class
  torch::Tensor previous_logit_TE = {};  // MoeOutput::logit_TE of the layer before
  Sums sums_before = {};                 // of this layer over the earlier batches of the same step
  int64_t first_position = 0;            // of each sequence's first token
  torch::Tensor past_BSD = {};           // this layer's inputs before that; may be undefined when no expert looks back
  RouteOverride override = {};
};

struct MoeOutput {
  torch::Tensor y_BSO;
  NamedTensors losses;     // weighted scalars: "layers.0.switch_loss"
  Sums sums;               // for after_step()
  torch::Tensor logit_TE;  // the router's scores, when it reads those of the layer before
};

/// One expert with what the layer knows of it.
struct ExpertSlot {
  int64_t id = 0;
  int64_t group = 0;
  int64_t index = 0;  // which of its group it was born as: picks its entry of list settings
  std::shared_ptr<Expert> expert;
  bool is_frozen = false;  // its weights do not change
};

class MoeLayer : public torch::nn::Module {
 public:
  /// Throws ConfigError about the setting at fault.
  MoeLayer(const MoeOptions& options, const MoeContext& context);

  /// Changes nothing but what `log` records. Throws ShapeError unless x_BSD is [B, S, D].
  MoeOutput forward(const MoeInput& input, RoutingLog* log);
  /// Once per optimizer step, with the sums of all its batches.
  void after_step(const Sums& sums);
  /// Whether no answer depends on later tokens: router, dispatcher and experts. When not, `why` (may be null) is told.
  bool is_causal(std::string* why = nullptr) const;
  /// Whether an expert, shared ones included, reads MoeInput::past_BSD.
  bool looks_back() const;
  /// Throws ConfigError when the router needs what such data have not: the symbols of a text, or the class of an
  /// example.
  void check_data(bool is_text) const;

  /// "layers.0"
  const std::string& layer_name() const { return context_.init.name; }
  int64_t num_experts() const { return static_cast<int64_t>(slots_.size()); }
  /// By position.
  const std::vector<ExpertSlot>& slots() const { return slots_; }
  std::vector<int64_t> ids() const;
  Router& router() { return *router_; }
  const std::string& router_kind() const { return options_.router.kind; }
  const RouterTraits& router_traits() const;
  int64_t num_groups() const { return static_cast<int64_t>(options_.experts.size()); }
  /// What reports call the group: its name, or its kind.
  std::string group_name(int64_t group) const;
  const std::string& group_kind(int64_t group) const { return options_.experts[static_cast<size_t>(group)].kind; }

  /// MACs of a batch of `num_tokens` tokens in sequences of `length`, of which the experts got these many (by
  /// position): router and experts. Parameters are all the layer's.
  CostPair cost(const std::vector<double>& tokens_per_expert, double num_tokens, int64_t length) const;

  /// A router like the layer's, with initial values of its own; `init` is named as the layer's router is.
  std::shared_ptr<Router> make_router(const Init& init) const;
  /// Puts another router in the place of the layer's, which is returned. It must know the same experts. For
  /// measurements that take one away and put it back.
  std::shared_ptr<Router> swap_router(std::shared_ptr<Router> router);

  // For resize.h alone.

  /// A new expert of the group, not yet in the layer, with the next id.
  ExpertSlot make_expert(int64_t group, int64_t index);
  /// Puts experts in this order; their ids stay. The router is not touched.
  void set_slots(std::vector<ExpertSlot> slots);
  /// What the router is told of experts in this order.
  std::vector<ExpertInfo> infos_of(const std::vector<ExpertSlot>& slots) const;
  int64_t next_id() const { return next_id_; }
  void set_next_id(int64_t id) { next_id_ = id; }

 private:
  RouteInput route_input(const MoeInput& input, const RoutingLog* log) const;
  std::vector<int64_t> ids_to_run(const Routing& admitted) const;
  torch::Tensor shared_answer(const MoeInput& input) const;
  Routing without_null(const Routing& routing) const;
  NamedTensors losses(const Routing& routing, const Sums& sums_before) const;
  void make_shared_experts();
  void check_balancers() const;

  MoeOptions options_;
  MoeContext context_;
  int64_t next_id_ = 0;
  std::vector<ExpertSlot> slots_;
  std::vector<ExpertInfo> infos_;  // of the slots
  std::shared_ptr<torch::nn::Module> expert_modules_;
  std::shared_ptr<Router> router_;
  std::vector<std::shared_ptr<Expert>> shared_;
  std::shared_ptr<nn::Linear> shared_gate_;
  std::shared_ptr<Dispatcher> dispatcher_;
  std::vector<std::shared_ptr<Balancer>> balancers_;
  std::vector<std::string> balancer_names_;
};

}  // namespace heterodyne
