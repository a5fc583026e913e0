// Normalizer: brings a text into one form before it is cut into words, as tokenizer.json describes it.
#pragma once

#include <functional>
#include <string>

#include "heterodyne/base/table.h"

namespace heterodyne::tokens {

/// UTF-8 to UTF-8.
using Normalizer = std::function<std::string(std::string)>;

/// `description` is the file's entry `normalizer`; missing or null: the text stays as it is. Types: BertNormalizer,
/// Lowercase, NFC, NFD, NFKC, NFKD, Prepend, Replace, Sequence, StripAccents. Throws FormatError naming `where`, the
/// file, for others, and for an entry that lacks something.
Normalizer make_normalizer(const Value* description, const std::string& where);

}  // namespace heterodyne::tokens
