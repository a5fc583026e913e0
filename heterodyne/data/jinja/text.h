// Text as Python's str has it: counted in characters (code points), cut, compared and changed. All text is UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::jinja {

/// Bytes of the white space at the beginning of the text.
size_t space_before(std::string_view text);
std::string_view without_space_behind(std::string_view text);

enum class Side { kBoth, kLeft, kRight };
/// Less the white space, or the characters of `characters`, at its ends.
std::string_view stripped(std::string_view text, Side side, const std::optional<std::string>& characters);

/// Each character of the text.
std::vector<std::string_view> characters_of(std::string_view text);
size_t num_characters(std::string_view text);
/// The first `count` characters.
std::string cut_characters(std::string_view text, size_t count);

/// Where `part` begins in `text` from the byte `from` on, or npos. In linear time.
size_t find_text(std::string_view text, std::string_view part, size_t from = 0);

/// Parts between separators; of white space where there is none, without empty parts. At most `most` cuts unless it is
/// negative.
std::vector<std::string_view> split_text(std::string_view text, const std::optional<std::string>& separator,
                                         int64_t most);
/// The same from the right.
std::vector<std::string_view> split_text_from_right(std::string_view text, const std::optional<std::string>& separator,
                                                    int64_t most);
std::vector<std::string_view> lines_of(std::string_view text);

/// The first character in upper case, all others in lower case.
std::string capitalized(std::string_view text);
/// The same for each run of letters.
std::string titled(std::string_view text);
/// As Jinja's filter `title`: words begin behind white space, -, (, {, [ and <.
std::string titled_words(std::string_view text);

struct BadEscape : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A text of a template without its quotes: \n, \x41, \u00e9 and so on replaced; what is no escape stays. Throws
/// BadEscape when a number is not complete or no character.
std::string unescaped(std::string_view text);

/// As Python writes the text in lists: in quotes, with escapes.
std::string in_quotes(std::string_view text);
/// As Python writes a number: 1.0, 1e-05, 1e+16, inf.
std::string shown_real(double number);

/// The number that a text is, with white space around it and _ between digits; nothing for others.
std::optional<int64_t> integer_of(std::string_view text, int base);
std::optional<double> real_of(std::string_view text);

}  // namespace heterodyne::jinja
