// Small things about text that several rooms need: nearest names, lists, numbers for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heterodyne {

/// The candidate with the smallest edit distance to `name` (Damerau-Levenshtein, case ignored), or "" when none is
/// close enough to be meant. The first of equals wins.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// The parts between separators; "a..b" gives "a", "", "b". Empty text gives no parts.
std::vector<std::string> split(std::string_view text, char separator);

/// Columns that UTF-8 text takes in a terminal, where every character is one wide.
size_t columns_of(std::string_view text);

/// 357611 -> "357,611"
std::string with_commas(int64_t number);

/// The shortest decimal text that reads back as exactly this number ("0.001", "1e-05"); always recognisable as a
/// real number ("2.0"), or "nan", "inf", "-inf".
std::string shortest(double number);

/// True when every byte sequence is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace heterodyne
