#include "heterodyne/data/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

namespace heterodyne {

std::string vocabulary_lines(const Vocabulary& vocabulary) {
  if (!vocabulary.definition.empty()) return "";
  std::string lines;
  for (const auto& symbol : vocabulary) {
    if (symbol.find_first_of("\r\n") != std::string::npos) return "";
    lines += symbol + "\n";
  }
  return lines;
}

Vocabulary vocabulary_of_lines(std::string_view text) {
  Vocabulary vocabulary;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    vocabulary.emplace_back(line);
    begin = end + 1;
  }
  return vocabulary;
}

void check_is_plain(const Vocabulary& vocabulary, const Place& place) {
  if (vocabulary.definition.empty()) return;
  throw ConfigError(place.path, "kind",
                    fmt::format("expected \"file\" for the {} symbols of a model that came with its tokenizer's file, "
                                "which says how texts are cut",
                                vocabulary.size()));
}

std::string Tokenizer::decode(const std::vector<int64_t>& ids, bool) const {
  std::string text;
  int64_t before = -1;
  for (const int64_t id : ids) {
    text += piece(id, before);
    before = id;
  }
  return text;
}

FramedText Tokenizer::framed(const std::vector<int64_t>& ids) const {
  return {ids, std::vector<int64_t>(ids.size(), 0)};
}

FramedText Tokenizer::framed(const std::vector<int64_t>& first, const std::vector<int64_t>& second) const {
  FramedText both = Tokenizer::framed(first);
  both.ids.insert(both.ids.end(), second.begin(), second.end());
  both.types.insert(both.types.end(), second.size(), 1);
  return both;
}

std::pair<size_t, size_t> cut_longest_first(size_t first, size_t second, size_t most) {
  if (first + second <= most) return {first, second};
  size_t shorter = std::min(first, second);
  size_t longer = std::max(shorter, most - std::min(shorter, most));
  if (shorter + longer > most) {
    shorter = most / 2;
    longer = most - shorter;
  }
  return first > second ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

TokenizerRegistry empty_tokenizers() { return TokenizerRegistry("tokenizer"); }

Vocabulary learn_vocabulary(const Member& choice, std::string_view text, const std::string& where) {
  Table own = choice.settings;
  own.erase("kind");
  const Place place{choice.path, "tokenizer." + choice.kind, choice.families};
  return tokenizers().of(choice).find(choice.kind).learn(own, place, text, where);
}

}  // namespace heterodyne
