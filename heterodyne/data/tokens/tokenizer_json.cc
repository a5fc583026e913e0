#include "heterodyne/data/tokens/tokenizer_json.h"

#include <algorithm>
#include <utility>

#include "heterodyne/data/tokens/added_tokens.h"
#include "heterodyne/data/tokens/decoder.h"
#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/frame.h"
#include "heterodyne/data/tokens/unicode.h"
#include "heterodyne/data/tokens/word_model.h"

namespace heterodyne::tokens {
namespace {

class JsonTokenizer : public Tokenizer {
 public:
  JsonTokenizer(const Table& description, const std::string& where)
      : model_(make_word_model(io::table_at(description, "model", where), where)),
        split_(make_splitter(description.find("pre_tokenizer"), where)),
        decoder_(make_decoder(description.find("decoder"), where)),
        frame_(description.find("post_processor"), where),
        added_(read_added_tokens(description.find("added_tokens"), where),
               make_normalizer(description.find("normalizer"), where)) {
    for (const auto& [symbol, id] : model_->ids()) put(id, symbol);
    for (const AddedToken& token : read_added_tokens(description.find("added_tokens"), where)) {
      put(token.id, token.content);
      is_special_.resize(symbols_.size(), false);
      is_special_[static_cast<size_t>(token.id)] = token.is_special;
    }
    is_special_.resize(symbols_.size(), false);
  }

  std::vector<int64_t> encode(std::string_view text, const std::string& where) const override {
    check_utf8(text, where);
    std::vector<int64_t> ids;
    std::unordered_map<std::string, std::vector<int64_t>> known;  // words of this text
    for (const auto& part : added_.split(std::string(text))) {
      if (part.id >= 0) {
        ids.push_back(part.id);
        continue;
      }
      for (const Piece& word : split_({part.piece})) {
        const auto [found, is_fresh] = known.try_emplace(word.text);
        if (is_fresh) model_->encode(word.text, where, found->second);
        ids.insert(ids.end(), found->second.begin(), found->second.end());
      }
    }
    return ids;
  }

  std::string piece(int64_t id, int64_t before) const override {
    if (!is_text(id)) return "";
    return decoder_.one(symbols_[static_cast<size_t>(id)], before < 0 || !is_text(before));
  }

  std::string decode(const std::vector<int64_t>& ids, bool keeps_specials) const override {
    std::vector<std::string> symbols;
    for (const int64_t id : ids) {
      const auto place = static_cast<size_t>(id);
      if (place < symbols_.size() && (keeps_specials || is_text(id))) symbols.push_back(symbols_[place]);
    }
    return join(decoder_.all(std::move(symbols)), "");
  }

  FramedText framed(const std::vector<int64_t>& ids) const override { return frame_.around(ids); }
  FramedText framed(const std::vector<int64_t>& first, const std::vector<int64_t>& second) const override {
    return frame_.around(first, second);
  }

  const std::vector<std::string>& symbols() const { return symbols_; }

 private:
  // Neither a special symbol nor one of those that a model has room for beyond the tokenizer's.
  bool is_text(int64_t id) const {
    const auto place = static_cast<size_t>(id);
    return place < is_special_.size() && !is_special_[place];
  }
  void put(int64_t id, const std::string& symbol) {
    const auto place = static_cast<size_t>(id);
    if (symbols_.size() <= place) symbols_.resize(place + 1);
    symbols_[place] = symbol;
  }

  std::unique_ptr<WordModel> model_;
  Splitter split_;
  Decoder decoder_;
  Frame frame_;
  AddedTokens added_;
  std::vector<std::string> symbols_;  // by id
  std::vector<bool> is_special_;
};

}  // namespace

DefinedTokenizer make_json_tokenizer(const Table& description, const std::string& where) {
  const auto tokenizer = std::make_shared<JsonTokenizer>(description, where);
  const auto& symbols = tokenizer->symbols();
  return {tokenizer, Vocabulary(symbols.begin(), symbols.end())};
}

}  // namespace heterodyne::tokens
