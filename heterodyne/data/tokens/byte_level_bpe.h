// Byte-level byte pair encodings (Radford et al. 2019, section 2.2) as descriptions in the form of tokenizer.json:
// GPT-2's own files, and encodings that are learned from a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "heterodyne/base/table.h"

namespace heterodyne::tokens {

/// GPT-2's encoder.json (symbols with their ids) and vocab.bpe (a pair a line, the first merged first). The symbol
/// "<|endoftext|>" is special. Throws FormatError naming `where`, the file of pairs, and the line.
Table gpt2_description(const Table& encoder, std::string_view pairs, const std::string& where);

struct BpeTraining {
  int64_t symbols = 4096;   // in all: <|endoftext|>, 256 bytes, pairs; in this order
  int64_t least_count = 2;  // pairs that occur less often are not merged
};

/// Learns from the text, cut into words as GPT-2 does: the most frequent pair of neighbouring symbols becomes one
/// (Sennrich et al. 2016, algorithm 1), of equally frequent ones that with the lowest ids. Fewer symbols when no pair
/// is left. Depends on the text and the settings alone. Throws FormatError naming `where` when the text is not UTF-8.
Table train_bpe(std::string_view text, const BpeTraining& training, const std::string& where);

}  // namespace heterodyne::tokens
