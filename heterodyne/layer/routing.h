// Routing: what was decided for one batch, and what a decision is made from. Plain values.
//
// Letters: B sequences, S tokens of a sequence, T = B x S tokens, D width, E experts, K choices per token,
//          N chosen pairs (token, expert).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/ops/routing_plan.h"

namespace heterodyne {

class Profile;  // base/profile.h

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// Which dense scores somebody needs; a router that is asked for none need not keep any.
struct ScoreNeeds {
  bool probabilities = false;
  bool logits = false;
};

struct RouteInput {
  torch::Tensor x_TD;
  int64_t num_sequences = 0;  // B
  int64_t length = 0;         // S
  torch::Tensor mask_T;       // bool; tokens that are false are routed nowhere. Undefined: all tokens count
  RandomKey random;
  ScoreNeeds needs;
  torch::Tensor token_id_T = {};         // int64: which symbol of the vocabulary; undefined where there is none
  torch::Tensor label_T = {};            // int64: the class of the token's example; undefined where there is none
  torch::Tensor previous_logit_TE = {};  // of the MoE layer before this one; undefined in the first
  int64_t first_position = 0;            // of each sequence's first token here: more than 0 when text is continued
  RouteOverride override = {};
};

/// int64 [T]: where the draws of each token begin. It depends on the token's sequence and its position there, and not
/// on how much of the sequence the batch holds, so that a text that is continued draws as it would in one piece.
torch::Tensor draw_row_of(const RouteInput& input);
/// int64 [T]: the position of each token in its sequence.
torch::Tensor position_of(const RouteInput& input);

struct Routing {
  ops::RoutingPlan plan;      // pairs sorted by expert, then token
  torch::Tensor weight_N;     // float32 at least; carries gradient
  torch::Tensor prob_TE;      // dense scores with gradient, when asked for
  torch::Tensor logit_TE;     // what they were made from, when asked for
  torch::Tensor mask_T;       // as in the input
  torch::Tensor load_E;       // how many tokens each expert expects, with gradient; undefined unless the router knows
  torch::Tensor x_TD;         // the tokens for the experts to read (ops::GateChoice); undefined: those that came
  int64_t num_sequences = 0;  // B
  int64_t num_dropped = 0;    // pairs that were wanted and found no room
  NamedTensors losses;        // losses that only the router can know
  Sums sums;

  int64_t num_pairs() const { return plan.num_pairs(); }
  int64_t num_tokens() const { return plan.num_tokens(); }
  int64_t num_experts() const { return plan.num_experts(); }
  /// Tokens that count: all but the masked ones.
  int64_t num_counted_tokens() const;
};

/// What a token-choice router decided: column i of a row is the token's i-th choice, -1 for none.
struct TokenChoice {
  torch::Tensor expert_TK;  // int64
  torch::Tensor weight_TK;  // ignored where there is no choice
  torch::Tensor prob_TE;    // may be undefined
  torch::Tensor logit_TE;   // may be undefined
  torch::Tensor x_TD = {};  // see Routing
};

/// Sorts the choices into pairs, leaving out masked tokens. Scores nobody needs are dropped.
Routing make_routing(const TokenChoice& choice, const RouteInput& input, int64_t num_experts);

/// The same routing with those pairs alone for which keep_N (bool) holds. Scores, loads and losses stay as they are.
Routing with_pairs(const Routing& routing, const torch::Tensor& keep_N);

/// What one layer's routing of one batch looked like.
struct LayerRouting {
  std::string layer;                  // "layers.0"
  torch::Tensor tokens_per_expert_E;  // int64, by position
  int64_t num_tokens = 0;             // counted tokens
  int64_t num_unrouted = 0;           // counted tokens without any expert
  int64_t num_dropped = 0;            // pairs that found no room
  Routing routing;                    // only when pairs were asked for
};

/// Passed through a forward pass by whoever wants to see inside. Nothing in the pass depends on it, but for what
/// before_experts does.
struct RoutingLog {
  bool keep_pairs = false;
  bool keep_scores = false;  // and with the pairs the probabilities of all experts
  std::vector<LayerRouting> layers;
  /// Called with the name and value of each intermediate result, in order of computation, when set.
  std::function<void(const std::string& name, const torch::Tensor& value)> on_value;
  /// Where the time of the parts is written down, when set: "router", "experts", of experts that are not run together
  /// also "dispatch" and "combine", and "losses".
  Profile* profile = nullptr;
  /// Called before a layer runs experts, with the ids of those that it will run, when set. An optimizer that put off
  /// steps of theirs takes them here.
  std::function<void(const std::string& layer, const std::vector<int64_t>& ids)> before_experts;

  void add(const std::string& layer, const Routing& routing);
};

/// Shows `value` to the log, if there is one that looks at values.
void observe(const RoutingLog* log, const std::string& name, const torch::Tensor& value);

}  // namespace heterodyne
