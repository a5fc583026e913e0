// Tokenizer: text to the ids of symbols and back. Each kind is one file in tokenizers/; the file's stem is its name in
// configs and in `heterodyne ls tokenizers`.
//
// A vocabulary is learned once, from the training text; it is part of a model and is saved with it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/base/registry.h"

namespace heterodyne {

/// Symbols by id, as UTF-8 text. A byte is written as the character with its number, U+0000 to U+00FF.
using Vocabulary = std::vector<std::string>;

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Throws FormatError naming `where` and the byte at fault when a part of the text has no symbol, or cannot be read.
  virtual std::vector<int64_t> encode(std::string_view text, const std::string& where) const = 0;
  /// What the symbol adds to a text after the symbol `before` (-1: nothing stands before it). 0 <= id < its number.
  virtual std::string piece(int64_t id, int64_t before) const = 0;
};

struct TokenizerKind {
  std::string summary;
  Schema schema;
  /// The vocabulary of a training text. Throws FormatError as encode() does.
  std::function<Vocabulary(const Table& settings, const Place&, std::string_view text, const std::string& where)> learn;
  std::function<std::shared_ptr<Tokenizer>(const Table& settings, const Place&, const Vocabulary&)> make;
};
using TokenizerRegistry = Registry<TokenizerKind>;

/// The built-in kinds.
const TokenizerRegistry& tokenizers();
TokenizerRegistry empty_tokenizers();

/// The vocabulary that the kind `choice` names learns from a text.
Vocabulary learn_vocabulary(const Member& choice, std::string_view text, const std::string& where);

/// What a member file returns: its kind, from a class with Options, a constructor (Vocabulary) and a static function
/// learn(options, text, where).
template <class T>
TokenizerKind tokenizer_kind(std::string summary) {
  using Options = typename T::Options;
  return {std::move(summary), Schema::of<Options>(),
          [](const Table& settings, const Place& place, std::string_view text, const std::string& where) {
            return T::learn(read_options<Options>(settings, place), text, where);
          },
          [](const Table& settings, const Place& place, const Vocabulary& vocabulary) -> std::shared_ptr<Tokenizer> {
            static_cast<void>(read_options<Options>(settings, place));
            return std::make_shared<T>(vocabulary);
          }};
}

}  // namespace heterodyne
