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
#include <type_traits>
#include <utility>
#include <vector>

#include "heterodyne/base/registry.h"

namespace heterodyne {

/// Symbols by id, as UTF-8 text. Of the kind `byte` a byte is written as the character with its number, U+0000 to
/// U+00FF.
struct Vocabulary : std::vector<std::string> {
  using vector::vector;

  std::string definition = {};  // the tokenizer's file, where symbols alone do not make it: see tokenizer_file.h

  bool operator==(const Vocabulary&) const = default;
};

/// The symbols as a file, one on each line; "" where they alone do not make the vocabulary, or one holds a line end.
std::string vocabulary_lines(const Vocabulary& vocabulary);
/// The way back. Lines are taken as they are, but for a carriage return at their end.
Vocabulary vocabulary_of_lines(std::string_view text);

/// A text's ids with the special ones that belong around it, and which of two texts each is of, 0 or 1.
struct FramedText {
  std::vector<int64_t> ids;
  std::vector<int64_t> types;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Throws FormatError naming `where` and the byte at fault when a part of the text has no symbol, or cannot be read.
  virtual std::vector<int64_t> encode(std::string_view text, const std::string& where) const = 0;
  /// What the symbol adds to a text after the symbol `before` (-1: nothing stands before it); "" for one that marks
  /// something. 0 <= id < its number.
  virtual std::string piece(int64_t id, int64_t before) const = 0;

  /// The whole text, UTF-8 where its parts together are; without symbols that mark something unless `keeps_specials`.
  virtual std::string decode(const std::vector<int64_t>& ids, bool keeps_specials) const;
  /// What the tokenizer puts around one text, and around two; nothing by default.
  virtual FramedText framed(const std::vector<int64_t>& ids) const;
  virtual FramedText framed(const std::vector<int64_t>& first, const std::vector<int64_t>& second) const;
};

/// Two texts of `first` and `second` ids cut at their ends so that they are at most `most` together, the longer one
/// first; how many stay of each.
std::pair<size_t, size_t> cut_longest_first(size_t first, size_t second, size_t most);

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

/// Throws ConfigError when the vocabulary is that of a tokenizer's file, which knows more than symbols.
void check_is_plain(const Vocabulary& vocabulary, const Place& place);

/// What a member file returns: its kind, from a class with Options, a static function learn(options, text, where), and
/// a constructor (Vocabulary) or, of a class that only makes tokenizers, a static function make(Vocabulary).
template <class T>
TokenizerKind tokenizer_kind(std::string summary) {
  using Options = typename T::Options;
  return {std::move(summary), Schema::of<Options>(),
          [](const Table& settings, const Place& place, std::string_view text, const std::string& where) {
            return T::learn(read_options<Options>(settings, place), text, where);
          },
          [](const Table& settings, const Place& place, const Vocabulary& vocabulary) -> std::shared_ptr<Tokenizer> {
            static_cast<void>(read_options<Options>(settings, place));
            if constexpr (std::is_base_of_v<Tokenizer, T>) {
              check_is_plain(vocabulary, place);
              return std::make_shared<T>(vocabulary);
            } else {
              return T::make(vocabulary);
            }
          }};
}

}  // namespace heterodyne
