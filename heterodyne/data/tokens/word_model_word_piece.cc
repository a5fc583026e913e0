// WordPiece of one word (Devlin et al. 2019; Wu et al. 2016): from its beginning on the longest symbol each time, all
// but the first with a prefix. A word of which a part has no symbol is unknown as a whole.
#include <fmt/format.h>

#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/unicode.h"
#include "heterodyne/data/tokens/word_model.h"

namespace heterodyne::tokens {
namespace {

class WordPiece : public WordModel {
 public:
  WordPiece(const Table& description, const std::string& where)
      : ids_(read_ids(io::table_at(description, "vocab", where), where + ": vocab")),
        prefix_(text_or(description, "continuing_subword_prefix", "##", where)) {
    const std::string unknown = text_or(description, "unk_token", "[UNK]", where);
    const auto found = ids_.find(unknown);
    if (found == ids_.end())
      throw FormatError::in_file(where, fmt::format("unk_token: expected a symbol of vocab, got \"{}\"", unknown));
    unknown_ = found->second;
    if (description.contains("max_input_chars_per_word"))
      most_characters_ = io::integer_at(description, "max_input_chars_per_word", where);
  }

  void encode(std::string_view word, const std::string&, std::vector<int64_t>& ids) const override {
    std::vector<size_t> bounds{0};  // of the characters
    for (size_t at = 0; at < word.size();) {
      next_character(word, at);
      bounds.push_back(at);
    }
    const size_t num_before = ids.size();
    const size_t count = bounds.size() - 1;
    bool is_known = static_cast<int64_t>(count) <= most_characters_;
    for (size_t begin = 0; begin < count && is_known;) {
      size_t end = count;
      for (; end > begin; --end) {
        std::string symbol(word.substr(bounds[begin], bounds[end] - bounds[begin]));
        if (begin > 0) symbol.insert(0, prefix_);
        const auto found = ids_.find(symbol);
        if (found == ids_.end()) continue;
        ids.push_back(found->second);
        break;
      }
      is_known = end > begin;
      begin = end;
    }
    if (is_known) return;
    ids.resize(num_before);
    ids.push_back(unknown_);
  }

  const Ids& ids() const override { return ids_; }

 private:
  Ids ids_;
  std::string prefix_;
  int64_t unknown_ = 0;
  int64_t most_characters_ = 100;
};

}  // namespace

std::unique_ptr<WordModel> make_word_piece(const Table& description, const std::string& where) {
  return std::make_unique<WordPiece>(description, where);
}

}  // namespace heterodyne::tokens
