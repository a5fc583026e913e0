// Words: numbers and names as the sentences of a report have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heterodyne {

/// 0.325 -> "32.5 %"
std::string percent(double share);

/// "1 assignment", "320,000 assignments"
std::string counted(int64_t number, const std::string& noun);

/// Four significant digits: "0.2532", "1.3e-05"
std::string number(double value);

/// 3484900 -> "3.48 M"
std::string short_number(double value);

/// "a", "a and b", "a, b and c"; beyond `most`: "a, b and 5 more".
std::string listed(const std::vector<std::string>& names, size_t most = 6);

/// A command's argument as a shell takes it: quoted when it has to be.
std::string shell_word(const std::string& text);

}  // namespace heterodyne
