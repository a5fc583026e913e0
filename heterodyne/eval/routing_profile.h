// Routing profile: how a network's MoE layers used their experts over one pass of a data set. Plain values whose size
// does not depend on how much data there was; routing_recorder.h fills them, routing_file.h keeps them.
//
// Padding is never counted. An assignment is one pair (token, expert).
//
// Letters: E experts by position, G groups of tokens, Y classes, K the most experts a token can get, T sampled tokens.
//          Tensor-like vectors are row-major: count_EG[e * G + g].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/cost.h"
#include "heterodyne/base/table.h"
#include "heterodyne/layer/routing_stats.h"

namespace heterodyne {

struct ExpertFacts {
  int64_t id = 0;
  std::string name;  // its group's name, or its kind
  std::string kind;
  int64_t params = 0;
  double macs = 0;  // of one assignment
};

/// Assignments sorted by what the token was: "class", "patch_row", "patch_column", "token_type", "modality".
struct GroupCounts {
  std::string name;
  std::vector<std::string> labels;  // one for each group
  std::vector<int64_t> count_EG;
  std::vector<int64_t> token_G;  // counted tokens of each group
  /// I(E; G) in nats, for each time that the groups were dealt out anew among the tokens of each example. May be empty.
  std::vector<double> shuffled_information = {};
};

/// How sure the router was. p_t are its probabilities for token t, H the entropy in nats.
struct Confidence {
  static constexpr int64_t kBins = 20;  // of each histogram, over 0 .. 1
  int64_t num_tokens = 0;
  double entropy_sum = 0;             // of H(p_t)
  double margin_sum = 0;              // of the largest probability less the second largest
  std::vector<double> prob_sum_E;     // of p_t
  std::vector<int64_t> entropy_bins;  // of H(p_t) / ln E
  std::vector<int64_t> margin_bins;

  /// Mean of H(p_t) / ln E, 0 .. 1; 1 for a single expert.
  double mean_entropy() const;
  double mean_margin() const;
  /// I(E; X) = H(mean of p_t) - mean of H(p_t), nats: how much a token says about its expert.
  double information() const;
};

/// What the experts each token got, for the first tokens of the split: [T, K] expert ids, -1 for none.
struct RoutingSample {
  int64_t num_choices = 0;  // K
  std::vector<int64_t> id_TK;
};

/// What happens when one expert is taken away and the others' weights are scaled up to the same sum. Changes are
/// "without it" less "with it"; classes without examples are NaN.
struct KnockOut {
  double loss = 0;      // of the whole network, nats
  double accuracy = 0;  // 0 .. 1
  std::vector<double> loss_change_E;
  std::vector<double> accuracy_change_E;
  std::vector<double> loss_change_EY;
};

/// Linear centred kernel alignment of the experts' outputs on the same tokens (Kornblith et al. 2019).
struct Similarity {
  int64_t num_tokens = 0;
  bool is_debiased = false;
  std::vector<double> cka_EE;
};

/// A symbol of a text that an expert gets more often than others: N_xe / N_x.
struct TopToken {
  std::string symbol;         // in words where it is white space: "space"
  int64_t count = 0;          // N_xe: the expert's assignments of it
  int64_t tokens = 0;         // N_x: all tokens of it
  std::string before, shown;  // the text before one of them, the symbol itself, and what follows
  std::string after;
};

/// How long forward passes over `batch` examples took.
struct Latency {
  int64_t batch = 0;
  int64_t num_passes = 0;
  int64_t threads = 0;
  double p50_ms = 0;
  double p95_ms = 0;
};

struct LayerProfile {
  std::vector<ExpertFacts> experts;
  LayerCounts counts;
  std::vector<int64_t> pair_EE;      // tokens that got both; on the diagonal those that got the one
  std::vector<int64_t> k_histogram;  // tokens that got 0, 1, .. experts
  std::vector<GroupCounts> groups;
  std::optional<Confidence> confidence;      // nothing when the router has no probabilities
  std::vector<double> shuffled_information;  // I(E; Y) in nats for each shuffle of the labels among the examples
  RoutingSample sample;
  std::vector<std::vector<TopToken>> top_tokens;  // of each expert, the largest share first; empty but for texts
  std::optional<KnockOut> knock_out;
  std::optional<Similarity> similarity;

  int64_t num_experts() const { return static_cast<int64_t>(counts.count_E.size()); }
  /// The groups of that name, or nullptr.
  const GroupCounts* group(const std::string& name) const;
};

struct RoutingProfile {
  Table about;  // "model", "split", "data", "step": where it comes from
  int64_t num_examples = 0;
  double loss = 0;               // nats
  double accuracy = 0;           // 0 .. 1
  CostPair cost;                 // of one example at the loads seen
  double dense_macs = 0;         // of one example if every expert worked on every token
  std::vector<Latency> latency;  // one entry for each size of a batch; empty when not measured
  std::vector<LayerProfile> layers;
  std::vector<LayerProfile> random_router;  // the same pass with untrained routers; empty when not recorded
};

}  // namespace heterodyne
