// Log-likelihoods of texts by the rules of EleutherAI's lm-evaluation-harness (Gao et al. 2024, version 0.4), by which
// published numbers of multiple-choice tasks are made.
//
// A continuation is scored behind a context; both are read as one text, so that symbols are those of the whole. A text
// without a context is scored in windows that each begin with one symbol of the past.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/data/tokenizer.h"
#include "heterodyne/eval/harness/windows.h"

namespace heterodyne {

/// The ids of a context, and of what follows it.
struct ContinuedText {
  std::vector<int64_t> context;
  std::vector<int64_t> continuation;
};

/// Spaces at the end of the context belong to the continuation. The context's ids are those of the context alone, with
/// what the tokenizer puts before a text; the continuation's are what the ids of the whole have behind as many. Throws
/// what Tokenizer::encode() throws, and FormatError naming `where` when one of the two is empty.
ContinuedText continued_text(const Tokenizer& tokenizer, const std::string& context, const std::string& continuation,
                             const std::string& where);

/// Its last `most` + 1 ids at most, the continuation among them; `is_cut` (may be null) is told whether others came
/// before those. Throws Error when the continuation alone is longer than `most`.
TextWindow window_of(const ContinuedText& text, int64_t most, bool* is_cut);

/// Windows of `most` predicted ids, the last one shorter but with as much of the past as fits; `prefix` comes first.
std::vector<TextWindow> rolling_windows(const std::vector<int64_t>& ids, int64_t prefix, int64_t most);

struct Likelihood {
  double log_likelihood = 0;  // natural, summed over the continuation
  bool is_greedy = true;      // whether each of its symbols was the most probable one
  bool is_cut = false;        // whether the context's beginning was left out, as the text is longer than `context + 1`
};

/// Of window_of(); the network is a language model in eval mode. Throws Error as that does.
Likelihood likelihood_of(Network& network, const ContinuedText& text, int64_t most);

/// log p(ids), the first of them behind `prefix`, over rolling_windows() (lm-eval's loglikelihood_rolling).
double rolling_log_likelihood(Network& network, const std::vector<int64_t>& ids, int64_t prefix, int64_t most);

/// Which of a question's choices is best: the first of the largest.
struct BestChoice {
  size_t by_sum = 0;         // of log-likelihoods: accuracy
  size_t by_characters = 0;  // divided by the characters of the choice: normalised accuracy
  size_t by_bytes = 0;       // divided by its bytes
};
/// `choices` without the space that precedes them. As many as `log_likelihoods`, at least one.
BestChoice best_choice(const std::vector<double>& log_likelihoods, const std::vector<std::string>& choices);

}  // namespace heterodyne
