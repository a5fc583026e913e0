// Tokenize: texts to ids and back, a line each, as `heterodyne data tokenize` reads and writes them.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/data/tokenizer_file.h"

namespace heterodyne::cli {

struct LineTokenizer {
  std::shared_ptr<Tokenizer> tokenizer;
  int64_t num_symbols = 0;
  bool uses_specials = true;  // to ids: whether those around a text are added; back: whether any are shown

  /// A text as JSON, "\"a b\"", to its ids, "[5,17]". `where` names the line in error texts. Throws FormatError when
  /// the line is no text in JSON, or what Tokenizer::encode() throws.
  std::string encode(const std::string& line, const std::string& where) const;
  /// The way back. Throws FormatError when the line is no list of ids in JSON.
  std::string decode(const std::string& line, const std::string& where) const;
};

/// From a tokenizer's file, see read_tokenizer_file().
LineTokenizer line_tokenizer(const std::string& path, bool uses_specials);

/// Calls `take(line, where)` with each line of `in`, where `where` is "standard input: line 3".
void each_line(std::istream& in, const std::function<void(const std::string& line, const std::string& where)>& take);

/// The files' texts one after the other, each ended by a line end; .gz and .xz are expanded. Throws FormatError for a
/// file that cannot be read or is not UTF-8.
std::string read_texts(const std::vector<std::string>& paths);

/// Learns at most so many symbols from the text (train_bpe()) and writes a tokenizer.json; returns how many they are.
int64_t write_learned_tokenizer(const std::string& text, int64_t symbols, const std::string& path);

}  // namespace heterodyne::cli
