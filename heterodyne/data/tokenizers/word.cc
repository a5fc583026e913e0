// Words as symbols, split at white space: texts that were cut into words by those who publish them (Penn Treebank,
// WikiText). The end of a line is the symbol <eos>; words that the vocabulary lacks are <unk>.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "heterodyne/data/tokenizer.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne {
namespace {

constexpr const char* kEndOfLine = "<eos>";
constexpr const char* kUnknown = "<unk>";

// Calls `take` with each word and with <eos> for each end of a line.
template <class Take>
void each_word(std::string_view text, const Take& take) {
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const bool at_end = i == text.size();
    if (!at_end && text[i] != ' ' && text[i] != '\n' && text[i] != '\t' && text[i] != '\r') continue;
    if (i > begin) take(text.substr(begin, i - begin));
    if (!at_end && text[i] == '\n') take(std::string_view(kEndOfLine));
    begin = i + 1;
  }
}

class WordTokenizer : public Tokenizer {
 public:
  struct Options {
    int64_t most = 0;
    void visit(Fields& field) {
      field("most", most, "words in the vocabulary, the most frequent ones; 0: all of the training text", at_least(0));
    }
  };

  // By falling frequency, words of equal frequency in the order of their bytes.
  static Vocabulary learn(const Options& options, std::string_view text, const std::string& where) {
    tokens::check_utf8(text, where);
    std::map<std::string, int64_t, std::less<>> count;
    each_word(text, [&](std::string_view word) {
      const auto found = count.find(word);
      if (found == count.end()) count.emplace(word, 1);
      else ++found->second;
    });
    std::vector<std::pair<int64_t, std::string>> ranked;
    for (const auto& [word, number] : count) {
      if (word != kUnknown && word != kEndOfLine) ranked.emplace_back(-number, word);
    }
    std::sort(ranked.begin(), ranked.end());
    Vocabulary vocabulary{kUnknown, kEndOfLine};
    for (const auto& [number, word] : ranked) {
      if (options.most > 0 && static_cast<int64_t>(vocabulary.size()) >= options.most) break;
      vocabulary.push_back(word);
    }
    return vocabulary;
  }

  explicit WordTokenizer(Vocabulary vocabulary) : words_(std::move(vocabulary)) {
    for (size_t id = 0; id < words_.size(); ++id) id_of_word_.emplace(words_[id], static_cast<int64_t>(id));
    unknown_ = id_of(kUnknown, 0);
  }

  std::vector<int64_t> encode(std::string_view text, const std::string& where) const override {
    tokens::check_utf8(text, where);
    std::vector<int64_t> ids;
    each_word(text, [&](std::string_view word) { ids.push_back(id_of(std::string(word), unknown_)); });
    return ids;
  }

  std::string piece(int64_t id, int64_t before) const override {
    const std::string& word = words_.at(static_cast<size_t>(id));
    if (word == kEndOfLine) return "\n";
    const bool begins = before < 0 || words_.at(static_cast<size_t>(before)) == kEndOfLine;
    return begins ? word : " " + word;
  }

 private:
  int64_t id_of(const std::string& word, int64_t otherwise) const {
    const auto found = id_of_word_.find(word);
    return found == id_of_word_.end() ? otherwise : found->second;
  }

  Vocabulary words_;
  std::unordered_map<std::string, int64_t> id_of_word_;
  int64_t unknown_ = 0;
};

}  // namespace

TokenizerKind tokenizer_kind_word() {
  return tokenizer_kind<WordTokenizer>("words between white space, the end of a line as a symbol of its own");
}

}  // namespace heterodyne
