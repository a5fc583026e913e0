// Tokenizer files: what other software calls a tokenizer, read and used here. A Vocabulary that was read from one keeps
// the file as its definition, so that a model can be used where the file is not.
//
// Known are tokenizer.json (Hugging Face; byte pair encoding and WordPiece), SentencePiece's *.model (byte pair
// encoding), and GPT-2's encoder.json with vocab.bpe beside it.
#pragma once

#include <memory>
#include <string>

#include "heterodyne/data/tokenizer.h"

namespace heterodyne {

/// The symbols and the definition of the file at `path`, also `path`.gz and `path`.xz. Throws FormatError naming the
/// file and what is wrong with it.
Vocabulary read_tokenizer_file(const std::string& path);

/// The tokenizer that `vocabulary` defines. `where` is for error texts. Throws FormatError as read_tokenizer_file()
/// does, and when there is no definition.
std::shared_ptr<Tokenizer> make_defined_tokenizer(const Vocabulary& vocabulary, const std::string& where);

/// What such a file is called: tokenizer.json or tokenizer.model.
std::string tokenizer_file_name(const std::string& definition);

/// What a description in the form of tokenizer.json defines. Throws FormatError naming `where`.
Vocabulary vocabulary_of(const Table& description, const std::string& where);

}  // namespace heterodyne
