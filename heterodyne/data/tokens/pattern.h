// Pattern: a regular expression over Unicode text, in the dialect of tokenizer files (Oniguruma's, of which they use
// what Perl has too: classes such as \p{L}, look-ahead, (?i:...)).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::tokens {

/// A part of a text, in bytes.
struct Span {
  size_t begin = 0;
  size_t end = 0;

  bool operator==(const Span&) const = default;
};

/// Several threads may use one object. Copies share what was compiled.
class Pattern {
 public:
  /// Throws FormatError naming `where` and the place in the expression when it is none.
  Pattern(const std::string& expression, const std::string& where);

  /// From left to right, not overlapping; empty matches are left out. The text must be UTF-8. Throws FormatError when
  /// the expression needs more than ten million steps for a match.
  std::vector<Span> matches(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
  std::string where_;
};

}  // namespace heterodyne::tokens
