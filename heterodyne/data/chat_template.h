// ChatTemplate: how a conversation, or an instruction with its answer, is written as one text for a model, in the form
// that the model was taught.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/data/tokenizer.h"

namespace heterodyne {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string text;  // white space around it does not count
};

/// What stands before and behind the messages of each role.
struct ChatTemplate {
  struct Frame {
    std::string before, behind;
  };

  std::string name;
  std::string begin;  // before the first message, where the tokenizer does not put it there
  Frame system, user, assistant;
  std::string stop;  // text that follows an answer where no symbol ends it; empty where one does

  const Frame& frame(const std::string& role) const;
  /// All messages, and what opens an answer.
  std::string opened(const std::vector<ChatMessage>& messages) const;
};

/// The symbol's id, or -1 where the vocabulary does not have it.
int64_t symbol_id(const Vocabulary& vocabulary, std::string_view symbol);

/// The text less the white space at its ends.
std::string without_space_around(const std::string& text);

/// llama3, chatml, alpaca and plain.
const std::vector<std::string>& chat_template_names();
/// Throws ConfigError for an unknown name, with the nearest.
const ChatTemplate& chat_template_named(const std::string& name);
/// The one whose symbols the vocabulary has; plain for others.
const ChatTemplate& chat_template_for(const Vocabulary& vocabulary);

/// The text's ids with what the tokenizer puts around a text, but nothing behind it, and the template's begin where the
/// tokenizer has that symbol and does not put it there itself.
std::vector<int64_t> opening_ids(const Tokenizer& tokenizer, const Vocabulary& vocabulary, const ChatTemplate& form,
                                 const std::string& text, const std::string& where);

/// Ids of the symbols that end texts and turns in the models that are known, of those that the vocabulary has.
std::vector<int64_t> ending_ids(const Vocabulary& vocabulary);

}  // namespace heterodyne
