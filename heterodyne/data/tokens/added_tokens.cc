#include "heterodyne/data/tokens/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::tokens {
namespace {

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// Where the character before `at` begins.
size_t before(std::string_view text, size_t at) {
  do --at;
  while (at > 0 && !begins_character(text[at]));
  return at;
}

char32_t character_at(std::string_view text, size_t at) { return next_character(text, at); }

bool touches_word(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && is_word_character(character_at(text, before(text, begin)))) ||
         (end < text.size() && is_word_character(character_at(text, end)));
}

}  // namespace

std::vector<AddedToken> read_added_tokens(const Value* description, const std::string& where) {
  std::vector<AddedToken> tokens;
  if (is_none(description)) return tokens;
  const std::string place = inside(where, "added_tokens");
  if (!description->if_array()) throw FormatError::in_file(place, "expected a list");
  for (const Value& value : *description->if_array()) {
    const Table& table = described(value, place);
    AddedToken token{io::text_at(table, "content", place), io::integer_at(table, "id", place),
                     flag_or(table, "special", false, place)};
    token.is_normalized = flag_or(table, "normalized", !token.is_special, place);
    token.stands_alone = flag_or(table, "single_word", false, place);
    token.takes_space_before = flag_or(table, "lstrip", false, place);
    token.takes_space_after = flag_or(table, "rstrip", false, place);
    if (token.content.empty() || token.id < 0 || token.id > 10'000'000)
      throw FormatError::in_file(
          place, fmt::format("\"{}\": expected some text and an id of 0 .. 10000000, got {}", token.content, token.id));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens, Normalizer normalizer)
    : normalizer_(std::move(normalizer)) {
  for (AddedToken token : tokens) {
    if (token.is_normalized) token.content = normalizer_(token.content);
    if (!token.content.empty()) (token.is_normalized ? in_normalized_ : raw_).tokens.push_back(std::move(token));
  }
  raw_.sort();
  in_normalized_.sort();
}

void AddedTokens::List::sort() {
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.content.size() > b.content.size(); });
  for (const AddedToken& token : tokens) {
    if (first_bytes.find(token.content.front()) == std::string::npos) first_bytes += token.content.front();
  }
}

void AddedTokens::cut(const List& list, const Piece& piece, std::vector<Part>& parts) {
  const auto& tokens = list.tokens;
  const std::string_view text = piece.text;
  size_t done = 0;  // what lies before is in `parts`
  const auto add = [&](size_t begin, size_t end, int64_t id) {
    if (end > begin)
      parts.push_back({{std::string(text.substr(begin, end - begin)), piece.is_first && begin == 0}, id});
  };
  for (size_t at = text.find_first_of(list.first_bytes); at < text.size();
       at = text.find_first_of(list.first_bytes, at)) {
    const auto found = std::find_if(tokens.begin(), tokens.end(), [&](const AddedToken& token) {
      return text.compare(at, token.content.size(), token.content) == 0;
    });
    if (found == tokens.end()) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + found->content.size();
    at = end;
    if (found->stands_alone && touches_word(text, begin, end)) continue;
    while (found->takes_space_before && begin > done && is_white_space(character_at(text, before(text, begin))))
      begin = before(text, begin);
    while (found->takes_space_after && end < text.size() && is_white_space(character_at(text, end)))
      next_character(text, end);
    add(done, begin, -1);
    add(begin, end, found->id);
    done = at = end;
  }
  add(done, text.size(), -1);
}

std::vector<AddedTokens::Part> AddedTokens::split(const std::string& text) const {
  std::vector<Part> raw, parts;
  cut(raw_, {text, true}, raw);
  for (Part& part : raw) {
    if (part.id >= 0) parts.push_back(std::move(part));
    else cut(in_normalized_, {normalizer_(std::move(part.piece.text)), part.piece.is_first}, parts);
  }
  return parts;
}

}  // namespace heterodyne::tokens
