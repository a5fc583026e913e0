#include "heterodyne/report/html.h"

#include <algorithm>
#include <array>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Length of the character at the front of `text`; 0 when its bytes are not UTF-8.
size_t character_at_front(std::string_view text) {
  if (static_cast<unsigned char>(text[0]) < 0x80) return 1;
  for (size_t length = 2; length <= std::min<size_t>(4, text.size()); ++length) {
    if (is_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

/// U+200E, U+200F, U+202A .. U+202E and U+2066 .. U+2069 change the direction of what follows; U+0080 .. U+009F are
/// control characters.
bool is_unseen(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  if (character.size() != 3 || character[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(character[2]);
  if (character[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xAA && last <= 0xAE);
  return character[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

std::string picture_of_control(char control) {
  const int code = control == '\x7F' ? 0x21 : control;
  return {'\xE2', '\x90', static_cast<char>(0x80 + code)};
}

/// `text` with every occurrence of a key replaced by its value.
template <size_t N>
std::string replaced(std::string_view text, const std::array<std::pair<std::string_view, std::string_view>, N>& pairs) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto found =
        std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return text.starts_with(pair.first); });
    const bool is_found = found != pairs.end();
    result += is_found ? found->second : text.substr(0, 1);
    text.remove_prefix(is_found ? found->first.size() : 1);
  }
  return result;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEntities = {
    {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kJsonEscapes = {
    {{"&", "\\u0026"}, {"<", "\\u003c"}, {">", "\\u003e"}, {"\xE2\x80\xA8", "\\u2028"}, {"\xE2\x80\xA9", "\\u2029"}}};

}  // namespace

std::string visible(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = character_at_front(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    const char first = character[0];
    const bool is_control = length == 1 && (static_cast<unsigned char>(first) < 0x20 || first == '\x7F');
    if (is_control && first != '\n' && first != '\t') {
      result += picture_of_control(first);
    } else {
      result += length == 0 || is_unseen(character) ? kReplacement : character;
    }
    text.remove_prefix(character.size());
  }
  return result;
}

std::string escape_html(std::string_view text) { return replaced(visible(text), kEntities); }

std::string escape_json_for_html(std::string_view json) { return replaced(json, kJsonEscapes); }

}  // namespace heterodyne
