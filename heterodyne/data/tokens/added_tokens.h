// AddedTokens: symbols that are found in a text as a whole, before it is normalised or cut, such as "<s>" or a run of
// spaces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/data/tokens/normalizer.h"
#include "heterodyne/data/tokens/splitter.h"

namespace heterodyne::tokens {

struct AddedToken {
  std::string content;
  int64_t id = 0;
  bool is_special = false;     // marks something instead of being text
  bool is_normalized = false;  // is looked for in the normalised text, and in its normalised form
  bool stands_alone = false;   // only between characters that are no letters, digits or underscores
  bool takes_space_before = false;
  bool takes_space_after = false;
};

/// The entry `added_tokens` of tokenizer.json; missing or null: none. Throws FormatError naming `where`, the file.
std::vector<AddedToken> read_added_tokens(const Value* description, const std::string& where);

class AddedTokens {
 public:
  AddedTokens(const std::vector<AddedToken>& tokens, Normalizer normalizer);

  /// A part of a text: an added token, or text between them, normalised.
  struct Part {
    Piece piece;
    int64_t id = -1;  // of an added token
  };
  /// The longest token is taken where several begin.
  std::vector<Part> split(const std::string& text) const;

 private:
  struct List {
    std::vector<AddedToken> tokens;  // the longest first
    std::string first_bytes;         // each once

    void sort();
  };
  static void cut(const List& list, const Piece& piece, std::vector<Part>& parts);

  List raw_, in_normalized_;
  Normalizer normalizer_;
};

}  // namespace heterodyne::tokens
