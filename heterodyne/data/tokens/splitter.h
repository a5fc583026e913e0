// Splitter: cuts a text into words, as tokenizer.json describes it. Symbols never reach over the end of a word.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne::tokens {

/// A part of a text, UTF-8.
struct Piece {
  std::string text;
  bool is_first = true;  // whether the whole text begins with it

  bool operator==(const Piece&) const = default;
};

using Splitter = std::function<std::vector<Piece>(std::vector<Piece>)>;

/// `description` is the file's entry `pre_tokenizer`; missing or null: nothing is cut. Types: BertPreTokenizer,
/// ByteLevel, Digits, Metaspace, Sequence, Split, WhitespaceSplit. Empty words are left out. Throws FormatError naming
/// `where`, the file, for others, and for an entry that lacks something.
Splitter make_splitter(const Value* description, const std::string& where);

}  // namespace heterodyne::tokens
