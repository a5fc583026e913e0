#include "heterodyne/base/printable.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

// Bytes of the UTF-8 sequence that `text` begins with; 1 when there is none.
size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  return length <= text.size() && is_utf8(text.substr(0, length)) ? length : 1;
}

unsigned code_point(std::string_view sequence) {
  if (sequence.size() == 1) return static_cast<unsigned char>(sequence[0]);
  unsigned code = static_cast<unsigned char>(sequence[0]) & (0x7FU >> sequence.size());
  for (const char byte : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
  return code;
}

// Line and paragraph separators, and the controls of bidirectional text (Unicode 15, UAX #9).
bool changes_the_line(unsigned code) {
  return (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F ||
         code == 0x061C;
}

std::string shown(std::string_view sequence) {
  const unsigned code = code_point(sequence);
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  const bool is_byte = sequence.size() == 1 && code >= 0x80;
  if (is_byte || code < 0x20) return fmt::format("\\x{:02x}", code);
  if (code == 0x7F || (code >= 0x80 && code < 0xA0) || changes_the_line(code)) return fmt::format("\\u{:04x}", code);
  return std::string(sequence);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    out += shown(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

bool is_printable(std::string_view text) { return printable(text) == text; }

}  // namespace heterodyne
