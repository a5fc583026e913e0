// Token types: ways to sort the symbols of a text's vocabulary, so that statistics can say which experts take which.
#pragma once

#include <vector>

#include "heterodyne/data/tokenizer.h"
#include "heterodyne/eval/routing_recorder.h"

namespace heterodyne {

/// "token_type": vowel, consonant, capital, digit, punctuation, space, newline, other - by a symbol's first character,
/// and word for symbols of several letters. "token_symbol": each symbol by itself, for vocabularies of up to 256.
std::vector<SymbolGroups> token_types_of(const Vocabulary& vocabulary);

}  // namespace heterodyne
