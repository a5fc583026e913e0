// The lexer of templates: text, and between {{ }} and {% %} names, numbers, texts and signs. White space around tags is
// dealt with here, as transformers sets Jinja up: a line end behind a block is left out (trim_blocks), so is white
// space before one at the beginning of a line (lstrip_blocks); `-` takes all white space away, `+` none. Comments are
// gone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::jinja {

struct Token {
  enum class Kind {
    kText,
    kBlockBegin,
    kBlockEnd,
    kOutputBegin,
    kOutputEnd,
    kName,
    kString,  // its text is the content, escapes replaced
    kInteger,
    kReal,
    kSign,
    kEnd,  // of the template; always the last
  };
  Kind kind = Kind::kEnd;
  std::string text;
  int line = 1;

  bool is(Kind other, std::string_view other_text) const { return kind == other && text == other_text; }
  bool is_sign(std::string_view sign) const { return is(Kind::kSign, sign); }
  bool is_name(std::string_view name) const { return is(Kind::kName, name); }
  /// For error texts: `"endif"`, "the end of the template".
  std::string shown() const;
};

/// Throws FormatError "[where] line 7: ..." when a tag, a comment or a text does not end, a sign is not known, the
/// template is not UTF-8 or larger than a mebibyte.
std::vector<Token> tokens_of_template(std::string_view source, const std::string& where);

}  // namespace heterodyne::jinja
