// Token types: ways to sort the symbols of a text's vocabulary, so that statistics can say which experts take which.
#pragma once

#include <vector>

#include "heterodyne/data/tokenizer.h"
#include "heterodyne/eval/routing_recorder.h"

namespace heterodyne {

/// A symbol of several characters that is none of the special ones, "<unk>": texts of such have spaces between symbols.
bool is_word(const std::string& symbol);

/// "token_type": vowel, consonant, capital, digit, punctuation, space, newline, other - by a symbol's first character,
/// and word for symbols of several letters. "token_symbol": each symbol by itself, for vocabularies of up to 256.
std::vector<SymbolGroups> token_types_of(const Vocabulary& vocabulary);

/// "word_place": whether a token of a text [B, S] is the first letter of a word, a later one, or none; nothing is said
/// of the first token of a window that is a letter. No labels when the symbols are not single characters.
TokenGroups word_places(const torch::Tensor& token_BS, const Vocabulary& vocabulary);

}  // namespace heterodyne
