// White space as Python's str.strip() and re.split(r"\s+") understand it: that of Unicode, in UTF-8.
#pragma once

#include <cstdint>
#include <string_view>

namespace heterodyne {

std::string_view without_space_before(std::string_view text);
std::string_view without_space_behind(std::string_view text);

/// Parts between runs of white space; those before the first and behind the last run count although they are empty, as
/// lm-eval counts words.
int64_t num_parts(std::string_view text);

}  // namespace heterodyne
