#include "heterodyne/eval/harness/space.h"

#include <algorithm>
#include <array>

namespace heterodyne {
namespace {

constexpr std::array<std::string_view, 29> kSpaces = {
    " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",   "\x1e",   "\x1f",
    "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

// Bytes of the space that the text begins, or ends, with; 0 when it does not.
size_t space_before(std::string_view text) {
  const auto found = std::find_if(kSpaces.begin(), kSpaces.end(), [&](auto space) { return text.starts_with(space); });
  return found == kSpaces.end() ? 0 : found->size();
}

size_t space_behind(std::string_view text) {
  const auto found = std::find_if(kSpaces.begin(), kSpaces.end(), [&](auto space) { return text.ends_with(space); });
  return found == kSpaces.end() ? 0 : found->size();
}

}  // namespace

std::string_view without_space_before(std::string_view text) {
  while (const size_t size = space_before(text)) text.remove_prefix(size);
  return text;
}

std::string_view without_space_behind(std::string_view text) {
  while (const size_t size = space_behind(text)) text.remove_suffix(size);
  return text;
}

int64_t num_parts(std::string_view text) {
  int64_t count = 1;
  while (!text.empty()) {
    const size_t size = space_before(text);
    if (size == 0) {
      text.remove_prefix(1);
      continue;
    }
    text = without_space_before(text);
    ++count;
  }
  return count;
}

}  // namespace heterodyne
