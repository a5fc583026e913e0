#include "heterodyne/data/jinja/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

using tokens::append_character;
using tokens::next_character;

bool is_space(char32_t character) {
  return (character >= 0x1C && character <= 0x1F) || tokens::is_white_space(character);
}

// Where the character before the byte `end` begins.
size_t begin_of_last(std::string_view text, size_t end) {
  do --end;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80);
  return end;
}

template <class Keep>
std::string_view stripped_of(std::string_view text, Side side, const Keep& is_stripped) {
  while (side != Side::kRight && !text.empty()) {
    size_t next = 0;
    if (!is_stripped(next_character(text, next))) break;
    text.remove_prefix(next);
  }
  while (side != Side::kLeft && !text.empty()) {
    const size_t begin = begin_of_last(text, text.size());
    size_t at = begin;
    if (!is_stripped(next_character(text, at))) break;
    text = text.substr(0, begin);
  }
  return text;
}

std::vector<std::string_view> split_at_space(std::string_view text, int64_t most) {
  std::vector<std::string_view> parts;
  while (true) {
    text.remove_prefix(space_before(text));
    if (text.empty()) return parts;
    if (most >= 0 && static_cast<int64_t>(parts.size()) >= most) {
      parts.push_back(text);
      return parts;
    }
    size_t end = 0;
    for (size_t at = 0; at < text.size();) {
      if (is_space(next_character(text, at))) break;
      end = at;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// The value of `count` hexadecimal digits at `at`.
char32_t hex_at(std::string_view text, size_t at, size_t count) {
  uint32_t code = 0;
  const char* begin = text.data() + std::min(at, text.size());
  const char* end = text.data() + std::min(at + count, text.size());
  const auto [stop, error] = std::from_chars(begin, end, code, 16);
  if (error != std::errc() || stop != begin + count)
    throw BadEscape(fmt::format("expected {} hexadecimal digits behind \\, got others", count));
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    throw BadEscape(fmt::format("expected a character behind \\, got the number {:x}", code));
  return code;
}

// The escape whose letter is text[at]; what it stands for is added, and how many bytes it takes returned.
size_t add_escape(std::string& result, std::string_view text, size_t at) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeant = "\a\b\f\n\r\t\v\\'\"";
  const char c = text[at];
  if (c == '\n') return 1;
  if (const size_t known = kLetters.find(c); known != std::string_view::npos) {
    result += kMeant[known];
    return 1;
  }
  if (c == 'x' || c == 'u' || c == 'U') {
    const size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    append_character(result, hex_at(text, at + 1, count));
    return 1 + count;
  }
  size_t length = 0;
  char32_t code = 0;
  for (; length < 3 && at + length < text.size() && text[at + length] >= '0' && text[at + length] <= '7'; ++length)
    code = code * 8 + static_cast<char32_t>(text[at + length] - '0');
  if (length > 0) append_character(result, code);
  else result += '\\';
  return length;
}

// Digits without the _ between them; nothing where a _ stands elsewhere.
std::optional<std::string> plain_digits(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_between = i > 0 && i + 1 < text.size() && text[i - 1] != '_';
    if (text[i] == '_' && !is_between) return std::nullopt;
    if (text[i] != '_') digits += text[i];
  }
  return digits;
}

}  // namespace

size_t space_before(std::string_view text) {
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    if (!is_space(next_character(text, at))) break;
    end = at;
  }
  return end;
}

std::string_view without_space_behind(std::string_view text) { return stripped_of(text, Side::kRight, is_space); }

std::string_view stripped(std::string_view text, Side side, const std::optional<std::string>& characters) {
  if (!characters) return stripped_of(text, side, is_space);
  const auto is_listed = [&](char32_t character) {
    for (size_t at = 0; at < characters->size();) {
      if (next_character(*characters, at) == character) return true;
    }
    return false;
  };
  return stripped_of(text, side, is_listed);
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    next_character(text, at);
    characters.push_back(text.substr(begin, at - begin));
  }
  return characters;
}

size_t num_characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::string cut_characters(std::string_view text, size_t count) {
  size_t at = 0;
  for (; count > 0 && at < text.size(); --count) next_character(text, at);
  return std::string(text.substr(0, at));
}

size_t find_text(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  const void* found = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found ? static_cast<size_t>(static_cast<const char*>(found) - text.data()) : std::string_view::npos;
}

std::vector<std::string_view> split_text(std::string_view text, const std::optional<std::string>& separator,
                                         int64_t most) {
  if (!separator) return split_at_space(text, most);
  std::vector<std::string_view> parts;
  size_t begin = 0;
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const size_t found = find_text(text, *separator, begin);
    if (found == std::string_view::npos) break;
    parts.push_back(text.substr(begin, found - begin));
    begin = found + separator->size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<std::string_view> split_text_from_right(std::string_view text, const std::optional<std::string>& separator,
                                                    int64_t most) {
  if (!separator) {
    const auto all = split_at_space(text, -1);
    const auto count = static_cast<int64_t>(all.size());
    if (most < 0 || count <= most) return all;
    const auto joined = static_cast<size_t>(count - most);  // parts that stay one
    std::vector<std::string_view> parts(all.begin() + static_cast<std::ptrdiff_t>(joined), all.end());
    const char* end = all[joined - 1].data() + all[joined - 1].size();
    parts.insert(parts.begin(), text.substr(0, static_cast<size_t>(end - text.data())));
    return parts;
  }
  // The same from the left, with all bytes turned round.
  const std::string backward(text.rbegin(), text.rend());
  auto parts = split_text(backward, std::string(separator->rbegin(), separator->rend()), most);
  for (auto& part : parts) {
    const size_t behind = static_cast<size_t>(part.data() - backward.data()) + part.size();
    part = text.substr(text.size() - behind, part.size());
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at;
    const char32_t c = next_character(text, at);
    const bool is_end = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!is_end) continue;
    lines.push_back(text.substr(begin, end - begin));
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return "";
  std::string result;
  size_t at = 0;
  tokens::append_titlecased(result, next_character(text, at));
  return result + tokens::lowercased(text.substr(at));
}

std::string titled(std::string_view text) {
  std::string result;
  bool is_inside = false;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t character = next_character(text, at);
    const bool is_cased = tokens::is_cased(character);
    if (is_cased && !is_inside) tokens::append_titlecased(result, character);
    else result += tokens::lowercased(text.substr(begin, at - begin));
    is_inside = is_cased;
  }
  return result;
}

std::string titled_words(std::string_view text) {
  std::string result;
  bool begins = true;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t character = next_character(text, at);
    const auto one = text.substr(begin, at - begin);
    const bool is_border = is_space(character) || one == "-" || one == "(" || one == "{" || one == "[" || one == "<";
    result += begins && !is_border ? tokens::uppercased(one) : tokens::lowercased(one);
    begins = is_border;
  }
  return result;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      result += text[at++];
    } else {
      ++at;
      at += add_escape(result, text, at);
    }
  }
  return result;
}

std::string in_quotes(std::string_view text) {
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string result(1, quote);
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next_character(text, at);
    const bool is_shown = c == ' ' || !(tokens::is_control(c) || tokens::is_white_space(c));
    if (c == static_cast<char32_t>(quote) || c == '\\') result += fmt::format("\\{}", static_cast<char>(c));
    else if (c == '\n') result += "\\n";
    else if (c == '\r') result += "\\r";
    else if (c == '\t') result += "\\t";
    else if (is_shown) result += text.substr(begin, at - begin);
    else if (c < 0x100) result += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    else if (c < 0x10000) result += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    else result += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
  }
  return result + quote;
}

std::string shown_real(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  constexpr int kLeast = -4, kMost = 16;  // exponents of numbers that are written in full
  std::array<char, 64> buffer{};
  auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<size_t>(written.ptr - buffer.data()));
  const size_t mark = scientific.find('e');
  int exponent = 0;
  const size_t sign = scientific[mark + 1] == '+' ? 1 : 0;
  std::from_chars(scientific.data() + mark + 1 + sign, scientific.data() + scientific.size(), exponent);
  if (exponent < kLeast || exponent >= kMost) return std::string(scientific);
  written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed);
  std::string fixed(buffer.data(), written.ptr);
  if (fixed.find('.') == std::string::npos) fixed += ".0";
  return fixed;
}

std::optional<int64_t> integer_of(std::string_view text, int base) {
  const auto digits = plain_digits(stripped(text, Side::kBoth, std::nullopt));
  if (!digits) return std::nullopt;
  const char* begin = digits->data();
  const char* end = begin + digits->size();
  if (digits->starts_with('+') && !digits->starts_with("+-")) ++begin;
  const bool is_negative = begin != end && *begin == '-';
  const char* prefix = begin + (is_negative ? 1 : 0);
  const char letter = base == 16 ? 'x' : base == 8 ? 'o' : base == 2 ? 'b' : ' ';
  std::string without(begin, prefix);
  if (end - prefix > 2 && prefix[0] == '0' && (prefix[1] | 0x20) == letter) prefix += 2;
  without.append(prefix, end);
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(without.data(), without.data() + without.size(), number, base);
  if (error != std::errc() || stop != without.data() + without.size()) return std::nullopt;
  return number;
}

std::optional<double> real_of(std::string_view text) {
  const auto digits = plain_digits(stripped(text, Side::kBoth, std::nullopt));
  if (!digits) return std::nullopt;
  const char* begin = digits->data();
  const char* end = begin + digits->size();
  if (digits->starts_with('+') && !digits->starts_with("+-")) ++begin;
  double number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (begin == end || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace heterodyne::jinja
