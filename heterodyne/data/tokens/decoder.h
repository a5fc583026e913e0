// Decoder: makes a text of symbols again, as tokenizer.json describes it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne::tokens {

struct Decoder {
  /// All symbols of a text to parts, which one after the other are the text.
  std::function<std::vector<std::string>(std::vector<std::string>)> all;
  /// What one symbol adds to a text, in bytes that need not be whole characters.
  std::function<std::string(std::string symbol, bool is_first)> one;
};

/// `description` is the file's entry `decoder`; missing or null: symbols with a space between them. Types:
/// ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip, WordPiece. Throws FormatError naming `where`,
/// the file, for others, and for an entry that lacks something.
Decoder make_decoder(const Value* description, const std::string& where);

/// The byte that the symbol "<0x4A>" stands for; -1 when it stands for none.
int byte_of_symbol(std::string_view symbol);

}  // namespace heterodyne::tokens
