// tokenizer.json: the file in which Hugging Face's tokenizers are described, read (version 1.0).
#pragma once

#include <memory>
#include <string>

#include "heterodyne/base/table.h"
#include "heterodyne/data/tokenizer.h"

namespace heterodyne::tokens {

struct DefinedTokenizer {
  std::shared_ptr<Tokenizer> tokenizer;
  Vocabulary vocabulary;  // symbols as the file writes them; "" for ids that none has. Without a definition
};

/// What the file does besides - truncation and padding - is left to who asks. Throws FormatError naming `where`, the
/// file, and the entry at fault.
DefinedTokenizer make_json_tokenizer(const Table& description, const std::string& where);

}  // namespace heterodyne::tokens
