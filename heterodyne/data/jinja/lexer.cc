#include "heterodyne/data/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/jinja/text.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

constexpr size_t kLargestTemplate = size_t{1} << 20U;

constexpr std::array<std::string_view, 27> kSigns = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "/",
                                                     "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                     "<",  ">",  "=",  ".",  ":",  "|",  ",", ";", "!"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return begins_name(c) || is_digit(c); }

// Line ends as \n, less one at the end.
std::string with_plain_line_ends(std::string_view source) {
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string where)
      : source_(with_plain_line_ends(source)), rest_(source_), where_(std::move(where)) {}

  std::vector<Token> tokens() {
    while (!rest_.empty()) lex_text();
    add(Token::Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(int line, const std::string& message) const {
    throw FormatError(where_, fmt::format("line {}: {}", line, message));
  }

  void add(Token::Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  // Goes on behind `count` bytes.
  void advance(size_t count) {
    const auto passed = rest_.substr(0, count);
    line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
    if (!passed.empty()) begins_line_ = passed.back() == '\n';
    rest_.remove_prefix(count);
  }
  void skip_space() { advance(space_before(rest_)); }

  // The bytes of an end such as "-%}" with the white space that it takes along, or 0.
  size_t end_here(std::string_view mark, bool trims) const {
    if (rest_.starts_with(mark)) return mark.size() + (trims && rest_.substr(mark.size()).starts_with('\n') ? 1 : 0);
    if (rest_.size() <= mark.size() || !rest_.substr(1).starts_with(mark)) return 0;
    if (rest_.front() == '-') return 1 + mark.size() + space_before(rest_.substr(1 + mark.size()));
    return rest_.front() == '+' && trims ? 1 + mark.size() : 0;
  }

  // The text up to the next tag, and that tag.
  void lex_text() {
    size_t tag = 0;
    while ((tag = rest_.find('{', tag)) != std::string_view::npos) {
      const char second = tag + 1 < rest_.size() ? rest_[tag + 1] : ' ';
      if (second == '{' || second == '%' || second == '#') break;
      ++tag;
    }
    if (tag == std::string_view::npos) {
      add(Token::Kind::kText, std::string(rest_));
      return advance(rest_.size());
    }
    const char kind = rest_[tag + 1];
    const char sign = tag + 2 < rest_.size() ? rest_[tag + 2] : ' ';
    add_text(rest_.substr(0, tag), sign, kind != '{');
    advance(tag);
    const size_t opened = sign == '-' || sign == '+' ? 3 : 2;
    if (kind == '#') return lex_comment(opened);
    if (kind == '%' && lex_raw(opened)) return;
    const int line = line_;
    add(kind == '{' ? Token::Kind::kOutputBegin : Token::Kind::kBlockBegin, std::string(rest_.substr(0, opened)));
    advance(opened);
    lex_tag(kind == '{' ? "}}" : "%}", kind == '%', line);
  }

  // The text before a tag, less what the tag takes away.
  void add_text(std::string_view text, char sign, bool strips_line) {
    if (sign == '-') {
      text = without_space_behind(text);
    } else if (sign != '+' && strips_line) {
      const size_t line_end = text.rfind('\n');
      const bool has_line = line_end != std::string_view::npos;
      const auto last = has_line ? text.substr(line_end + 1) : text;
      if ((has_line || begins_line_) && space_before(last) == last.size()) text.remove_suffix(last.size());
    }
    if (!text.empty()) add(Token::Kind::kText, std::string(text));
  }

  void lex_comment(size_t opened) {
    const int line = line_;
    advance(opened);
    const size_t end = rest_.find("#}");
    if (end == std::string_view::npos) fail(line, "expected a comment that ends with #}, got none");
    const bool has_sign = end > 0 && (rest_[end - 1] == '-' || rest_[end - 1] == '+');
    advance(end - (has_sign ? 1 : 0));
    advance(end_here("#}", true));
  }

  // {% raw %} ... {% endraw %}, whose content is text. Whether it was one.
  bool lex_raw(size_t opened) {
    const auto behind = word_behind(rest_.substr(opened), "raw");
    if (!behind) return false;
    auto begin = opened + *behind;
    const bool strips = rest_.substr(begin).starts_with('-');
    if (strips) ++begin;
    if (!rest_.substr(begin).starts_with("%}")) return false;
    const int line = line_;
    advance(begin + 2);
    if (strips) skip_space();
    for (size_t tag = 0; (tag = rest_.find("{%", tag)) != std::string_view::npos; ++tag) {
      const char sign = tag + 2 < rest_.size() ? rest_[tag + 2] : ' ';
      const size_t word = tag + (sign == '-' || sign == '+' ? 3 : 2);
      if (word > rest_.size()) break;
      const auto end = word_behind(rest_.substr(word), "endraw");
      if (!end) continue;
      add_text(rest_.substr(0, tag), sign, true);
      advance(word + *end);
      const size_t closed = end_here("%}", true);
      if (closed == 0) fail(line_, "expected %} behind endraw, got something else");
      advance(closed);
      return true;
    }
    fail(line, "expected {% endraw %} behind {% raw %}, got none");
  }

  // The bytes of the word with white space around it at the beginning of the text, or nothing.
  static std::optional<size_t> word_behind(std::string_view text, std::string_view word) {
    size_t at = space_before(text);
    if (!text.substr(at).starts_with(word)) return std::nullopt;
    at += word.size();
    if (at < text.size() && continues_name(text[at])) return std::nullopt;
    return at + space_before(text.substr(at));
  }

  // What stands in a tag, and its end.
  void lex_tag(std::string_view mark, bool trims, int line) {
    std::string open;  // brackets that are not closed yet
    while (true) {
      skip_space();
      if (rest_.empty()) fail(line, fmt::format("expected a tag that ends with {}, got none", mark));
      const size_t end = open.empty() ? end_here(mark, trims) : 0;
      if (end > 0) {
        add(trims ? Token::Kind::kBlockEnd : Token::Kind::kOutputEnd, std::string(mark));
        return advance(end);
      }
      const char c = rest_.front();
      if (is_digit(c)) lex_number();
      else if (begins_name(c)) lex_name();
      else if (c == '\'' || c == '"') lex_string();
      else lex_sign(open);
    }
  }

  void lex_name() {
    const size_t length =
        static_cast<size_t>(std::find_if_not(rest_.begin(), rest_.end(), continues_name) - rest_.begin());
    add(Token::Kind::kName, std::string(rest_.substr(0, length)));
    advance(length);
  }

  // Digits with single _ between them from `at` on: where they end.
  size_t digits_end(size_t at) const {
    while (at < rest_.size() &&
           (is_digit(rest_[at]) || (rest_[at] == '_' && at + 1 < rest_.size() && is_digit(rest_[at + 1]))))
      ++at;
    return at;
  }

  void lex_number() {
    const bool is_part = !tokens_.empty() && tokens_.back().is_sign(".");  // a.0.1
    size_t end = digits_end(0);
    bool is_real = false;
    if (rest_.substr(end).starts_with('.') && !is_part && end + 1 < rest_.size() && is_digit(rest_[end + 1])) {
      end = digits_end(end + 1);
      is_real = true;
    }
    if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E') && !is_part) {
      const size_t sign = end + 1 < rest_.size() && (rest_[end + 1] == '+' || rest_[end + 1] == '-') ? 1 : 0;
      if (end + 1 + sign < rest_.size() && is_digit(rest_[end + 1 + sign])) {
        end = digits_end(end + 1 + sign);
        is_real = true;
      }
    }
    if (!is_real && end == 1 && rest_.size() > 2 && (rest_[1] == 'x' || rest_[1] == 'o' || rest_[1] == 'b'))
      end = static_cast<size_t>(std::find_if_not(rest_.begin(), rest_.end(), continues_name) - rest_.begin());
    std::string digits(rest_.substr(0, end));
    std::erase(digits, '_');
    add(is_real ? Token::Kind::kReal : Token::Kind::kInteger, digits);
    advance(end);
  }

  void lex_string() {
    const int line = line_;
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != rest_.front()) end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) fail(line, fmt::format("expected a text that ends with {}, got none", rest_.front()));
    try {
      add(Token::Kind::kString, unescaped(rest_.substr(1, end - 1)));
    } catch (const BadEscape& error) {
      fail(line, error.what());
    }
    advance(end + 1);
  }

  void lex_sign(std::string& open) {
    const auto sign =
        std::find_if(kSigns.begin(), kSigns.end(), [&](std::string_view known) { return rest_.starts_with(known); });
    if (sign == kSigns.end() || *sign == "!")
      fail(line_, fmt::format("expected an expression, got the character \"{}\"", rest_.front()));
    const char c = sign->front();
    if (c == '(' || c == '[' || c == '{') {
      open += c;
    } else if (c == ')' || c == ']' || c == '}') {
      const char begin = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (!open.ends_with(begin)) fail(line_, fmt::format("expected \"{}\" before \"{}\", got none", begin, c));
      open.pop_back();
    }
    add(Token::Kind::kSign, std::string(*sign));
    advance(sign->size());
  }

  std::string source_;
  std::string_view rest_;
  std::string where_;
  std::vector<Token> tokens_;
  int line_ = 1;
  bool begins_line_ = true;
};

}  // namespace

std::string Token::shown() const {
  if (kind == Kind::kEnd) return "the end of the template";
  constexpr size_t kMost = 40;
  return "\"" + (text.size() > kMost ? cut_characters(text, kMost) + "..." : text) + "\"";
}

std::vector<Token> tokens_of_template(std::string_view source, const std::string& where) {
  if (source.size() > kLargestTemplate)
    throw FormatError(where, fmt::format("expected a template of at most {} bytes, got {}",
                                         with_commas(static_cast<int64_t>(kLargestTemplate)),
                                         with_commas(static_cast<int64_t>(source.size()))));
  tokens::check_utf8(source, where);
  return Lexer(source, where).tokens();
}

}  // namespace heterodyne::jinja
