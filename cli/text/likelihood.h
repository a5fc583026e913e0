// Likelihood: how probable a model of text finds a text, and which answers to questions, for `heterodyne eval`.
#pragma once

#include <string>

#include "heterodyne/base/rows.h"
#include "heterodyne/data/tokenizer.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne::cli {

/// A model of text in use.
struct Reader {
  Network& network;
  const Tokenizer& tokenizer;
  int64_t most = 0;  // tokens that it reads at once
};
/// Throws ConfigError naming the verb unless the model's answers are the symbols of texts.
void expect_language_model(const Experiment& experiment, const std::string& verb);

/// Tokens of a conversation that the model accepts: its context, or 2,048 where it has none.
int64_t longest_conversation(const Experiment& experiment);
/// Tokens that the model of the experiment accepts, at most 2,048.
int64_t longest_text(const Experiment& experiment);

/// Bits per byte, perplexity by byte, by word and by token, log-likelihood and counts of the text, by
/// rolling_log_likelihood(). Throws FormatError naming `where` when the text has no symbols.
Rows text_rows(const Reader& reader, const std::string& text, const std::string& where);

/// Accuracies with their standard errors over questions, a line of JSON each:
///   {"context": "2 + 2 is", "choices": ["four", "five"], "gold": 0}
/// A choice is scored behind the context and a space. Throws FormatError naming `where` and the line at fault.
Rows question_rows(const Reader& reader, const std::string& lines, const std::string& where);

}  // namespace heterodyne::cli
