// Byte level: the 256 bytes as characters to look at, in which byte-level vocabularies are written, and how GPT-2 cuts
// text into words (Radford et al. 2019).
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace heterodyne::tokens {

/// Contractions, words, numbers, signs, each with the space before it, and runs of white space.
inline constexpr const char* kGpt2Words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// UTF-8 of the character that stands for each byte: printable characters of Latin 1 for themselves, those for the
/// other bytes, in ascending order, U+0100 and following.
const std::array<std::string, 256>& byte_characters();

/// Each byte's character, one after the other.
std::string to_byte_characters(std::string_view bytes);

/// The way back. Text that holds any other character is returned as it is.
std::string from_byte_characters(std::string_view text);

}  // namespace heterodyne::tokens
