// WordModel: one word to the ids of its symbols, as tokenizer.json describes it in its entry `model`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne::tokens {

/// Ids of symbols.
using Ids = std::unordered_map<std::string, int64_t>;

class WordModel {
 public:
  virtual ~WordModel() = default;

  /// Adds the ids of the word, which is UTF-8. Throws FormatError naming `where` when a part of it has no symbol.
  virtual void encode(std::string_view word, const std::string& where, std::vector<int64_t>& ids) const = 0;
  virtual const Ids& ids() const = 0;
};

/// Types: BPE (word_model_bpe.cc), WordPiece (word_model_word_piece.cc). Throws FormatError naming `where`, the file,
/// for others, for settings that change ids and are not known here, and for damage.
std::unique_ptr<WordModel> make_word_model(const Table& description, const std::string& where);

/// The entry `vocab`: symbols with ids of 0 .. 10,000,000, no two alike. Throws FormatError.
Ids read_ids(const Table& vocabulary, const std::string& where);

std::unique_ptr<WordModel> make_bpe(const Table& description, const std::string& where);
std::unique_ptr<WordModel> make_word_piece(const Table& description, const std::string& where);

}  // namespace heterodyne::tokens
