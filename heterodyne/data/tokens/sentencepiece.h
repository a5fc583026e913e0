// SentencePiece (Kudo and Richardson 2018): its model files, *.model, of byte pair encoding, read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/data/tokens/tokenizer_json.h"

namespace heterodyne::tokens {

/// What a model file holds.
struct SentencePieceModel {
  enum class Type { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
  struct Piece {
    std::string text;
    float score = 0;  // higher ones are merged first
    Type type = Type::kNormal;
  };
  std::vector<Piece> pieces;                 // by id
  int64_t unknown = 0;                       // its id
  int64_t begin = 1;                         // of the piece before a text; -1: there is none
  std::string unknown_surface = " \u2047 ";  // what an unknown symbol is decoded to
  bool adds_dummy_prefix = true;
  bool removes_extra_spaces = true;
};

/// Throws FormatError with the byte offset: not a model, damaged, of another kind than byte pair encoding, with a
/// normalisation other than identity, without an unknown piece, or with pieces that are no UTF-8 or occur twice.
SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& where);

/// Symbols that mark something ("<s>") are not recognised in a text; `framed` puts the one for the beginning before it.
DefinedTokenizer make_sentencepiece(std::string_view bytes, const std::string& where);

}  // namespace heterodyne::tokens
