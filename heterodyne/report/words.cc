#include "heterodyne/report/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "heterodyne/base/text.h"

namespace heterodyne {

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string counted(int64_t number, const std::string& noun) {
  return with_commas(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string number(double value) { return fmt::format("{:.4g}", value); }

std::string short_number(double value) {
  const double size = std::abs(value);
  if (size < 1e3) return fmt::format("{:.0f}", value);
  if (size < 1e6) return fmt::format("{:.2f} k", value / 1e3);
  if (size < 1e9) return fmt::format("{:.2f} M", value / 1e6);
  return fmt::format("{:.2f} G", value / 1e9);
}

std::string listed(const std::vector<std::string>& names, size_t most) {
  if (names.size() <= 1) return join(names);
  const size_t shown = names.size() <= most ? names.size() - 1 : std::max<size_t>(most, 2) - 1;
  const std::string last = names.size() <= most ? names.back() : std::to_string(names.size() - shown) + " more";
  return join({names.begin(), names.begin() + static_cast<int64_t>(shown)}) + " and " + last;
}

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_-./=:,+@%").find(c) != std::string::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace heterodyne
