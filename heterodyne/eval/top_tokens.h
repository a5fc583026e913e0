// Token counter: which symbols of a text each expert gets, in one pass and in memory that does not grow with the text.
// N_xe / N_x, the vocabulary specialisation of an expert (Muennighoff et al. 2024, OLMoE, section 5), and how tokens
// are shared out by how frequent their symbol is.
//
// Letters: B sequences, S tokens of a sequence, T = B x S, N pairs (token, expert), E experts, V symbols.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/data/tokenizer.h"
#include "heterodyne/eval/routing_profile.h"
#include "heterodyne/layer/routing.h"

namespace heterodyne {

class TokenCounter {
 public:
  static constexpr int64_t kMost = 20;                // symbols of an expert that top() gives
  static constexpr int64_t kFewestTokens = 50;        // N_x, below which a share says nothing
  static constexpr int64_t kDeciles = 10;             // of symbols by frequency
  static constexpr int64_t kBefore = 12, kAfter = 8;  // tokens shown around one

  TokenCounter(Vocabulary vocabulary, int64_t num_experts);

  /// `batch.inputs` [B, S] are the routed tokens' symbols. Padding (routing.mask_T) is not counted.
  void add(const Batch& batch, const Routing& routing);

  /// For each expert, by position, the symbols with the largest N_xe / N_x, the most frequent first among equals.
  std::vector<std::vector<TopToken>> top() const;
  /// "frequency_decile": the symbols that occur, sorted by N_x, in ten parts of as many symbols as nearly as possible;
  /// no labels when fewer than ten occur.
  GroupCounts frequency_deciles() const;

 private:
  struct Place {
    std::vector<int64_t> before, after;
  };

  std::vector<int64_t> by_frequency() const;
  std::string text_of(const std::vector<int64_t>& ids) const;

  Vocabulary vocabulary_;
  int64_t num_experts_;
  bool has_words_ = false;           // symbols that are written with spaces between them
  std::vector<int64_t> count_EV_;    // N_xe
  std::vector<int64_t> token_V_;     // N_x
  std::map<int64_t, Place> places_;  // where expert e first got symbol x, by e x V + x
};

}  // namespace heterodyne
