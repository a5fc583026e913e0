// Byte pair encoding of one word (Sennrich et al. 2016), over characters or over characters that stand for bytes.
#include <fmt/format.h>

#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/merge_pairs.h"
#include "heterodyne/data/tokens/unicode.h"
#include "heterodyne/data/tokens/word_model.h"

namespace heterodyne::tokens {
namespace {

// Two ids as one number.
uint64_t pair_key(int64_t left, int64_t right) {
  return (static_cast<uint64_t>(left) << 32U) | static_cast<uint64_t>(right);
}

std::string byte_symbol(char byte) { return fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte)); }

// "ab c" or ["ab", "c"].
std::pair<std::string, std::string> read_pair(const Value& value, const std::string& where) {
  if (const std::string* text = value.if_text()) {
    const size_t space = text->find(' ');
    if (space != std::string::npos && space > 0 && space + 1 < text->size())
      return {text->substr(0, space), text->substr(space + 1)};
  }
  if (const Array* both = value.if_array(); both && both->size() == 2 && (*both)[0].if_text() && (*both)[1].if_text())
    return {*(*both)[0].if_text(), *(*both)[1].if_text()};
  throw FormatError::in_file(where, "expected two symbols, got " + io::write_json(value));
}

class Bpe : public WordModel {
 public:
  Bpe(const Table& description, const std::string& where)
      : ids_(read_ids(io::table_at(description, "vocab", where), where + ": vocab")) {
    for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
      const Value* value = description.find(key);
      const bool is_empty = is_none(value) || (value->if_text() && value->if_text()->empty());
      if (!is_empty && !(value->if_real() && *value->if_real() == 0))
        throw FormatError::in_file(where, fmt::format("{}: expected null, got {}", key, io::write_json(*value)));
    }
    fuses_unknown_ = flag_or(description, "fuse_unk", false, where);
    falls_back_ = flag_or(description, "byte_fallback", false, where);
    takes_whole_words_ = flag_or(description, "ignore_merges", false, where);
    const std::string unknown = text_or(description, "unk_token", "", where);
    if (!unknown.empty()) {
      const auto found = ids_.find(unknown);
      if (found == ids_.end())
        throw FormatError::in_file(where, fmt::format("unk_token: expected a symbol of vocab, got \"{}\"", unknown));
      unknown_ = found->second;
    }
    read_merges(io::array_at(description, "merges", where), where);
  }

  void encode(std::string_view word, const std::string& where, std::vector<int64_t>& ids) const override {
    if (takes_whole_words_) {
      if (const auto whole = ids_.find(std::string(word)); whole != ids_.end()) {
        ids.push_back(whole->second);
        return;
      }
    }
    std::vector<Symbol> symbols = characters(word, where);
    merge_pairs(symbols, [&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
      const auto found = merges_.find(pair_key(left.id, right.id));
      return found == merges_.end() ? std::nullopt : std::optional<Merge>(found->second);
    });
    for (const Symbol& symbol : symbols) ids.push_back(symbol.id);
  }

  const Ids& ids() const override { return ids_; }

 private:
  void read_merges(const Array& merges, const std::string& where) {
    merges_.reserve(merges.size());
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const std::string place = fmt::format("{}: merges: {}", where, rank);
      const auto [left, right] = read_pair(merges[rank], place);
      const int64_t first = id_at(left, place), second = id_at(right, place);
      merges_.emplace(pair_key(first, second), Merge{static_cast<double>(rank), id_at(left + right, place)});
    }
  }

  int64_t id_at(const std::string& symbol, const std::string& where) const {
    const auto found = ids_.find(symbol);
    if (found != ids_.end()) return found->second;
    throw FormatError::in_file(where, fmt::format("expected symbols of vocab, got \"{}\"", symbol));
  }

  // A symbol for each character; bytes where it has none of its own.
  std::vector<Symbol> characters(std::string_view word, const std::string& where) const {
    std::vector<Symbol> symbols;
    bool was_unknown = false;
    for (size_t at = 0; at < word.size();) {
      const size_t begin = at;
      next_character(word, at);
      const std::string character(word.substr(begin, at - begin));
      const auto add = [&](int64_t id) { symbols.push_back({id, symbols.size(), symbols.size() + 1}); };
      const auto found = ids_.find(character);
      const bool is_known = found != ids_.end();
      if (is_known) add(found->second);
      else if (falls_back_ && has_bytes(character))
        for (const char byte : character) add(ids_.at(byte_symbol(byte)));
      else {
        if (unknown_ < 0)
          throw FormatError(where, fmt::format("expected characters that the tokenizer has, got \"{}\"", character));
        if (!(was_unknown && fuses_unknown_)) add(unknown_);
        was_unknown = true;
        continue;
      }
      was_unknown = false;
    }
    return symbols;
  }

  bool has_bytes(const std::string& character) const {
    for (const char byte : character) {
      if (!ids_.contains(byte_symbol(byte))) return false;
    }
    return true;
  }

  Ids ids_;
  std::unordered_map<uint64_t, Merge> merges_;
  int64_t unknown_ = -1;  // -1: there is none
  bool fuses_unknown_ = false;
  bool falls_back_ = false;
  bool takes_whole_words_ = false;
};

}  // namespace

std::unique_ptr<WordModel> make_bpe(const Table& description, const std::string& where) {
  return std::make_unique<Bpe>(description, where);
}

}  // namespace heterodyne::tokens
