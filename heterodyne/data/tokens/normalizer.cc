#include "heterodyne/data/tokens/normalizer.h"

#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/pattern.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::tokens {
namespace {

constexpr const char* kNormalizer = "normalizer";

using NormalizerMaker = Normalizer (*)(const Table&, const std::string&);

template <NormalForm form>
Normalizer to_form(const Table&, const std::string&) {
  return [](const std::string& text) { return normalized(text, form); };
}

// Prepend: before every part of a text that is not empty.
Normalizer normalize_prepend(const Table& description, const std::string& where) {
  return [prefix = io::text_at(description, "prepend", where)](const std::string& text) {
    return text.empty() ? text : prefix + text;
  };
}

Normalizer normalize_replace(const Table& description, const std::string& where) {
  const Table& pattern = io::table_at(description, "pattern", where);
  const std::string& content = io::text_at(description, "content", where);
  if (pattern.contains("Regex")) {
    const Pattern expression(io::text_at(pattern, "Regex", where), where);
    return [expression, content](const std::string& text) {
      std::string result;
      size_t at = 0;
      for (const Span& span : expression.matches(text)) {
        result += text.substr(at, span.begin - at) + content;
        at = span.end;
      }
      return result + text.substr(at);
    };
  }
  const std::string& from = io::text_at(pattern, "String", where);
  if (from.empty()) throw FormatError::in_file(where, "expected text to replace, got none");
  return [from, content](const std::string& text) { return replaced(text, from, content); };
}

Normalizer normalize_lowercase(const Table&, const std::string&) {
  return [](const std::string& text) { return lowercased(text); };
}

std::string without_marks(const std::string& text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    if (!is_nonspacing_mark(character)) append_character(result, character);
  }
  return result;
}

// Leaves composed letters alone.
Normalizer normalize_strip_accents(const Table&, const std::string&) { return without_marks; }

// CJK ideographs, whose words are one character long.
bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

// Control characters away, U+000B, U+000C and U+0085 too, then white space to spaces.
std::string cleaned(const std::string& text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    const bool is_blank = character == '\t' || character == '\n' || character == '\r';
    if (!is_blank && (character == 0 || character == 0xFFFD || is_control(character))) continue;
    if (is_blank || is_white_space(character)) result += ' ';
    else append_character(result, character);
  }
  return result;
}

std::string with_ideographs_apart(const std::string& text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    const bool stands_apart = is_ideograph(character);
    if (stands_apart) result += ' ';
    append_character(result, character);
    if (stands_apart) result += ' ';
  }
  return result;
}

// Devlin et al. 2019: BERT's basic tokenisation without the cuts.
Normalizer normalize_bert(const Table& description, const std::string& where) {
  const bool cleans = flag_or(description, "clean_text", true, where);
  const bool parts = flag_or(description, "handle_chinese_chars", true, where);
  const bool lowers = flag_or(description, "lowercase", true, where);
  const bool strips = flag_or(description, "strip_accents", lowers, where);
  return [=](std::string text) {
    if (cleans) text = cleaned(text);
    if (parts) text = with_ideographs_apart(text);
    if (strips) text = without_marks(normalized(text, NormalForm::kNfd));
    return lowers ? lowercased(text) : text;
  };
}

Normalizer normalize_sequence(const Table& description, const std::string& where) {
  std::vector<Normalizer> steps;
  for (const Value& step : io::array_at(description, "normalizers", where))
    steps.push_back(make_normalizer(&step, where));
  return [steps](std::string text) {
    for (const auto& step : steps) text = step(std::move(text));
    return text;
  };
}

}  // namespace

Normalizer make_normalizer(const Value* description, const std::string& where) {
  if (is_none(description)) return [](std::string text) { return text; };
  const std::map<std::string, NormalizerMaker> known{
      {"BertNormalizer", normalize_bert},   {"Lowercase", normalize_lowercase},
      {"NFC", to_form<NormalForm::kNfc>},   {"NFD", to_form<NormalForm::kNfd>},
      {"NFKC", to_form<NormalForm::kNfkc>}, {"NFKD", to_form<NormalForm::kNfkd>},
      {"Prepend", normalize_prepend},       {"Replace", normalize_replace},
      {"Sequence", normalize_sequence},     {"StripAccents", normalize_strip_accents}};
  const std::string place = inside(where, kNormalizer);
  const Table& table = described(*description, place);
  return find_type(known, table, place)(table, place);
}

}  // namespace heterodyne::tokens
