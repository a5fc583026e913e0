// Conversation: turns of a user and a language model, of which the model keeps what it has read.
#pragma once

#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/data/model_template.h"
#include "heterodyne/eval/generate.h"

namespace heterodyne::cli {

/// A model of text that answers.
struct Speaker {
  Network& network;
  const Tokenizer& tokenizer;
  const Vocabulary& vocabulary;
  int64_t most = 0;  // tokens that it accepts
  RouteOverride route = {};
};

class Conversation {
 public:
  /// `system` stands before the first message; may be empty. Everything must outlive the conversation.
  Conversation(const Speaker& speaker, const ChatTemplate& form, std::string system);
  /// In the form of a template that the model brings. The whole conversation is written anew for each message; where
  /// that does not go on from what the model has read, it reads all of it again. `now` is what the template may tell.
  Conversation(const Speaker& speaker, const ModelTemplate& form, std::string system, const std::tm& now);

  struct Answer {
    std::string text;
    int64_t num_tokens = 0;
    double seconds = 0;          // from the first token on
    bool is_cut = false;         // neither a symbol nor the template's text ended it
    bool has_forgotten = false;  // what was said before did not fit with the message, and was dropped
  };
  /// Reads the message and answers with at most `tokens` tokens; `show` is told the answer as it comes. Throws
  /// ConfigError when the message alone is longer than the model accepts, FormatError when the model's template refuses
  /// it.
  Answer answer(const std::string& message, const SamplingOptions& sampling, int64_t tokens,
                const std::function<void(const std::string&)>& show);

  /// The next message is the first one.
  void forget();

 private:
  // Writes the answer's text without the space before it, but for what may become the text that ends it.
  class Writer;

  void open(const std::string& message, int64_t tokens, Answer& answer);
  void open_own(const std::string& message, int64_t tokens, Answer& answer);
  void check_length(size_t num_ids) const;
  std::vector<int64_t> ids_of_said(const std::vector<ChatMessage>& said) const;
  std::vector<int64_t> ids_of_first(const std::string& message) const;

  Speaker speaker_;
  const ChatTemplate& form_;
  const ModelTemplate* own_ = nullptr;  // in the place of form_
  std::optional<std::tm> now_;
  std::string stop_;  // text that ends an answer
  std::string system_;
  std::vector<int64_t> endings_;
  std::optional<Generator> text_;
  int64_t last_ = -1;            // the newest id
  bool is_last_unread_ = false;  // chosen, and not read yet
  bool has_stopped_ = false;     // whether the template's text ended the last answer
  // With a template of the model's: what was said, the system's text left out, and what was read of it.
  std::vector<ChatMessage> said_;
  std::vector<int64_t> read_;
};

}  // namespace heterodyne::cli
