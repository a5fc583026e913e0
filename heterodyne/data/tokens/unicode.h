// Unicode: what tokenizers must know of characters (Unicode Standard, annexes 15 and 44). Text is UTF-8 throughout.
#pragma once

#include <string>
#include <string_view>

namespace heterodyne::tokens {

/// Throws FormatError naming `where` and the first byte that is not part of UTF-8.
void check_utf8(std::string_view text, const std::string& where);

/// The text with U+FFFD for each part that is not UTF-8: the longest beginning of a character, or a single byte.
std::string lossy_utf8(std::string_view bytes);

/// The character that begins at text[at]; `at` moves behind it. The text must have passed check_utf8().
char32_t next_character(std::string_view text, size_t& at);
void append_character(std::string& text, char32_t character);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
std::string normalized(std::string_view text, NormalForm form);

/// Character by character, without a look at its neighbours.
std::string lowercased(std::string_view text);
std::string uppercased(std::string_view text);
/// A character as a word may begin with it.
void append_titlecased(std::string& text, char32_t character);

bool is_white_space(char32_t character);
/// Categories Lu, Ll and Lt: letters that have another case, or could have.
bool is_cased(char32_t character);
bool is_upper_case(char32_t character);
/// Categories L.
bool is_letter(char32_t character);
/// Category Mn.
bool is_nonspacing_mark(char32_t character);
/// Categories Cc, Cf, Cs and Co.
bool is_control(char32_t character);
/// Categories P.
bool is_punctuation(char32_t character);
/// Categories L, M, N and Pc: what \w means.
bool is_word_character(char32_t character);
/// Category Nd, Nl or No.
bool is_number(char32_t character);

/// `text` with every `from`, which is not empty, replaced by `to`.
std::string replaced(std::string_view text, std::string_view from, std::string_view to);

}  // namespace heterodyne::tokens
