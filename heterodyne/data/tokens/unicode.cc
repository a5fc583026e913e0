#include "heterodyne/data/tokens/unicode.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne::tokens {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

utf8proc_category_t category_of(char32_t character) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(character));
}

bool is_in(char32_t character, utf8proc_category_t first, utf8proc_category_t last) {
  const auto category = category_of(character);
  return category >= first && category <= last;
}

// How many bytes from `at` on form a character, or, when they form none, the beginning of one: at least 1.
struct Unit {
  size_t length;
  bool is_whole;
};

Unit unit_at(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {1, true};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  for (size_t i = 1; i < length; ++i) {
    // The second byte's range keeps out overlong forms, surrogates and what lies beyond U+10FFFF.
    unsigned char low = 0x80, high = 0xBF;
    if (i == 1 && lead == 0xE0) low = 0xA0;
    if (i == 1 && lead == 0xED) high = 0x9F;
    if (i == 1 && lead == 0xF0) low = 0x90;
    if (i == 1 && lead == 0xF4) high = 0x8F;
    if (at + i >= bytes.size() || byte(at + i) < low || byte(at + i) > high) return {i, false};
  }
  return {length, true};
}

}  // namespace

void check_utf8(std::string_view text, const std::string& where) {
  if (is_utf8(text)) return;
  size_t at = 0;
  while (true) {
    const Unit unit = unit_at(text, at);
    at += unit.is_whole ? unit.length : 0;
    if (!unit.is_whole) break;
  }
  throw FormatError(where,
                    fmt::format("byte {}: expected UTF-8, got 0x{:02x}", at, static_cast<unsigned char>(text[at])));
}

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size();) {
    const Unit unit = unit_at(bytes, at);
    text += unit.is_whole ? bytes.substr(at, unit.length) : kReplacement;
    at += unit.length;
  }
  return text;
}

char32_t next_character(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  const char32_t lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  char32_t character = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length && at + i < text.size(); ++i) character = (character << 6) | (byte(i) & 0x3F);
  at = std::min(at + length, text.size());
  return character;
}

void append_character(std::string& text, char32_t character) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(character), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

std::string normalized(std::string_view text, NormalForm form) {
  int options = UTF8PROC_STABLE;
  const bool composes = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  options |= composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::kNfkc || form == NormalForm::kNfkd) options |= UTF8PROC_COMPAT;
  utf8proc_uint8_t* bytes = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &bytes, static_cast<utf8proc_option_t>(options));
  if (length < 0) throw std::bad_alloc();  // the text is UTF-8, so nothing else can fail
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(bytes, std::free);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(length)};
}

std::string lowercased(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    // The one letter whose lower case is two characters: U+0130, i with a dot and a dot above.
    if (character == 0x130) lower += "i\u0307";
    else append_character(lower, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character))));
  }
  return lower;
}

std::string uppercased(std::string_view text) {
  std::string upper;
  upper.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    // The commonest of the letters whose upper case is two characters.
    if (character == 0xDF) upper += "SS";
    else append_character(upper, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(character))));
  }
  return upper;
}

void append_titlecased(std::string& text, char32_t character) {
  if (character == 0xDF) text += "Ss";
  else append_character(text, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(character))));
}

bool is_cased(char32_t character) { return is_in(character, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LT); }

bool is_upper_case(char32_t character) { return category_of(character) == UTF8PROC_CATEGORY_LU; }

bool is_letter(char32_t character) { return is_in(character, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO); }

bool is_white_space(char32_t character) {
  if ((character >= 9 && character <= 13) || character == 0x85) return true;
  return is_in(character, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool is_nonspacing_mark(char32_t character) { return category_of(character) == UTF8PROC_CATEGORY_MN; }

bool is_control(char32_t character) { return is_in(character, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO); }

bool is_punctuation(char32_t character) { return is_in(character, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }

bool is_word_character(char32_t character) {
  return is_in(character, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_PC);  // LU .. NO, then PC
}

bool is_number(char32_t character) { return is_in(character, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  size_t at = 0;
  for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from, at)) {
    result += text.substr(at, found - at);
    result += to;
    at = found + from.size();
  }
  result += text.substr(at);
  return result;
}

}  // namespace heterodyne::tokens
