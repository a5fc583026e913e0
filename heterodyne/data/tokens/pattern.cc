#include "heterodyne/data/tokens/pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace heterodyne::tokens {
namespace {

std::string reason_of(int code) {
  PCRE2_UCHAR8 text[256] = {};
  pcre2_get_error_message_8(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

PCRE2_SPTR8 units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR8>(text.data()); }

}  // namespace

struct Pattern::Compiled {
  pcre2_code_8* code = nullptr;

  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { pcre2_code_free_8(code); }

  int match(std::string_view text, size_t at, pcre2_match_data_8* found) const {
    const int count = pcre2_match_8(code, units(text), text.size(), at, PCRE2_NO_UTF_CHECK, found, nullptr);
    // Compiled code has a small stack; interpreted code takes what it needs.
    if (count != PCRE2_ERROR_JIT_STACKLIMIT) return count;
    return pcre2_match_8(code, units(text), text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, found, nullptr);
  }
};

Pattern::Pattern(const std::string& expression, const std::string& where) : where_(where) {
  auto compiled = std::make_shared<Compiled>();
  int code = 0;
  size_t place = 0;
  compiled->code = pcre2_compile_8(units(expression), expression.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &place, nullptr);
  if (compiled->code == nullptr)
    throw FormatError::in_file(where, fmt::format("expected a regular expression, got \"{}\": {} at byte {}",
                                                  expression, reason_of(code), place));
  pcre2_jit_compile_8(compiled->code, PCRE2_JIT_COMPLETE);  // where it cannot, the expression is interpreted
  compiled_ = std::move(compiled);
}

std::vector<Span> Pattern::matches(std::string_view text) const {
  std::vector<Span> all;
  const std::unique_ptr<pcre2_match_data_8, void (*)(pcre2_match_data_8*)> found(pcre2_match_data_create_8(1, nullptr),
                                                                                 pcre2_match_data_free_8);
  for (size_t at = 0; at < text.size();) {
    const int count = compiled_->match(text, at, found.get());
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0)
      throw FormatError::in_file(where_, fmt::format("the text cannot be split at byte {}: {}", at, reason_of(count)));
    const size_t* place = pcre2_get_ovector_pointer_8(found.get());
    if (place[1] > place[0]) all.push_back({place[0], place[1]});
    at = std::max(place[1], at);
    if (place[1] > place[0]) continue;
    do ++at;  // behind the next character
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  }
  return all;
}

}  // namespace heterodyne::tokens
