#include "heterodyne/data/tokens/byte_level.h"

#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::tokens {
namespace {

constexpr char32_t kFirstOther = 0x100;

bool stands_for_itself(int byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD); }

std::array<std::string, 256> make_characters() {
  std::array<std::string, 256> all;
  char32_t other = kFirstOther;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t character = stands_for_itself(byte) ? static_cast<char32_t>(byte) : other++;
    append_character(all[static_cast<size_t>(byte)], character);
  }
  return all;
}

// The byte of each character, -1 where it stands for none.
std::array<int, 512> make_bytes() {
  std::array<int, 512> all;
  all.fill(-1);
  char32_t other = kFirstOther;
  for (int byte = 0; byte < 256; ++byte) all[stands_for_itself(byte) ? static_cast<size_t>(byte) : other++] = byte;
  return all;
}

}  // namespace

const std::array<std::string, 256>& byte_characters() {
  static const auto all = make_characters();
  return all;
}

std::string to_byte_characters(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += byte_characters()[static_cast<unsigned char>(byte)];
  return text;
}

std::string from_byte_characters(std::string_view text) {
  static const auto byte_of = make_bytes();
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    if (character >= byte_of.size() || byte_of[character] < 0) return std::string(text);
    bytes += static_cast<char>(byte_of[character]);
  }
  return bytes;
}

}  // namespace heterodyne::tokens
