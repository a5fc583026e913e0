#include "heterodyne/data/tokens/splitter.h"

#include <fmt/format.h>

#include "heterodyne/data/tokens/byte_level.h"
#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/pattern.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::tokens {
namespace {

constexpr const char* kSplitter = "pre_tokenizer";

using SplitterMaker = Splitter (*)(const Table&, const std::string&);
using Finder = std::function<std::vector<Span>(std::string_view)>;

// What becomes of the places that are found: each a word of its own, gone, or joined to a neighbour.
enum class Behavior { kIsolated, kRemoved, kWithPrevious, kWithNext, kContiguous };

// The parts of [0, size): those found, and those between them.
struct Part {
  Span span;
  bool is_found;
};

std::vector<Part> parts_of(const std::vector<Span>& found, size_t size, bool inverts) {
  std::vector<Part> parts;
  size_t at = 0;
  for (const Span& span : found) {
    if (span.begin > at) parts.push_back({{at, span.begin}, inverts});
    parts.push_back({span, !inverts});
    at = span.end;
  }
  if (size > at) parts.push_back({{at, size}, inverts});
  return parts;
}

std::vector<Span> words_of(const std::vector<Part>& parts, Behavior behavior) {
  std::vector<Span> words;
  bool joins = false;  // whether the next part belongs to the last word
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto& [span, is_found] = parts[i];
    if (behavior == Behavior::kRemoved && is_found) continue;
    const bool after_same = i > 0 && behavior == Behavior::kContiguous && parts[i - 1].is_found == is_found;
    const bool after_own = i > 0 && behavior == Behavior::kWithPrevious && is_found && !parts[i - 1].is_found;
    if (!words.empty() && (joins || after_same || after_own)) words.back().end = span.end;
    else words.push_back(span);
    joins = behavior == Behavior::kWithNext && is_found && i + 1 < parts.size() && !parts[i + 1].is_found;
  }
  return words;
}

std::vector<Piece> cut(const std::vector<Piece>& pieces, const Finder& find, Behavior behavior, bool inverts = false) {
  std::vector<Piece> words;
  for (const Piece& piece : pieces) {
    for (const Span& word : words_of(parts_of(find(piece.text), piece.text.size(), inverts), behavior))
      words.push_back({piece.text.substr(word.begin, word.end - word.begin), piece.is_first && word.begin == 0});
  }
  return words;
}

template <class Is>
Finder each_character(const Is& is) {
  return [is](std::string_view text) {
    std::vector<Span> found;
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      if (is(next_character(text, at))) found.push_back({begin, at});
    }
    return found;
  };
}

Finder each_match(const Table& pattern, const std::string& where) {
  if (pattern.contains("Regex")) {
    const Pattern expression(io::text_at(pattern, "Regex", where), where);
    return [expression](std::string_view text) { return expression.matches(text); };
  }
  const std::string& wanted = io::text_at(pattern, "String", where);
  if (wanted.empty()) throw FormatError::in_file(where, "expected text to split at, got none");
  return [wanted](std::string_view text) {
    std::vector<Span> found;
    for (size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size()))
      found.push_back({at, at + wanted.size()});
    return found;
  };
}

Splitter split_split(const Table& description, const std::string& where) {
  const std::map<std::string, Behavior> behaviors{{"Isolated", Behavior::kIsolated},
                                                  {"Removed", Behavior::kRemoved},
                                                  {"MergedWithPrevious", Behavior::kWithPrevious},
                                                  {"MergedWithNext", Behavior::kWithNext},
                                                  {"Contiguous", Behavior::kContiguous}};
  const auto behavior = behaviors.find(io::text_at(description, "behavior", where));
  if (behavior == behaviors.end())
    throw FormatError::in_file(where, fmt::format("behavior: expected one of Contiguous, Isolated, MergedWithNext, "
                                                  "MergedWithPrevious, Removed, got \"{}\"",
                                                  io::text_at(description, "behavior", where)));
  return [find = each_match(io::table_at(description, "pattern", where), where), how = behavior->second,
          inverts = flag_or(description, "invert", false, where)](const std::vector<Piece>& pieces) {
    return cut(pieces, find, how, inverts);
  };
}

Splitter split_byte_level(const Table& description, const std::string& where) {
  const bool adds_space = flag_or(description, "add_prefix_space", true, where);
  const bool cuts = flag_or(description, "use_regex", true, where);
  const Pattern words(kGpt2Words, where);
  return [=](std::vector<Piece> pieces) {
    for (Piece& piece : pieces) {
      if (adds_space && !piece.text.starts_with(' ')) piece.text.insert(0, " ");
    }
    if (cuts) pieces = cut(pieces, [&](std::string_view text) { return words.matches(text); }, Behavior::kIsolated);
    for (Piece& piece : pieces) piece.text = to_byte_characters(piece.text);
    return pieces;
  };
}

// Spaces as a character of their own, with which words begin (Kudo and Richardson 2018).
Splitter split_metaspace(const Table& description, const std::string& where) {
  const std::string space = text_or(description, "replacement", "\u2581", where);
  // Older files say it with a flag.
  const bool adds = flag_or(description, "add_prefix_space", true, where);
  const std::string scheme = text_or(description, "prepend_scheme", adds ? "always" : "never", where);
  if (space.empty() || (scheme != "always" && scheme != "first" && scheme != "never"))
    throw FormatError::in_file(where,
                               fmt::format("prepend_scheme: expected one of always, first, never, got \"{}\"", scheme));
  const bool cuts = flag_or(description, "split", true, where);
  const Finder find = each_match({{"String", space}}, where);
  return [=](std::vector<Piece> pieces) {
    for (Piece& piece : pieces) {
      piece.text = replaced(piece.text, " ", space);
      const bool wants_space = scheme == "always" || (scheme == "first" && piece.is_first);
      if (wants_space && !piece.text.starts_with(space)) piece.text.insert(0, space);
    }
    return cuts ? cut(pieces, find, Behavior::kWithNext) : pieces;
  };
}

Splitter split_bert(const Table&, const std::string&) {
  const Finder spaces = each_character(is_white_space);
  const Finder signs = each_character([](char32_t c) {
    const bool is_ascii_sign =
        (c > 0x20 && c < 0x7F) && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z');
    return is_ascii_sign || is_punctuation(c);
  });
  return [=](const std::vector<Piece>& pieces) {
    return cut(cut(pieces, spaces, Behavior::kRemoved), signs, Behavior::kIsolated);
  };
}

Splitter split_white_space(const Table&, const std::string&) {
  return [find = each_character(is_white_space)](const std::vector<Piece>& pieces) {
    return cut(pieces, find, Behavior::kRemoved);
  };
}

Splitter split_digits(const Table& description, const std::string& where) {
  const Behavior behavior =
      flag_or(description, "individual_digits", false, where) ? Behavior::kIsolated : Behavior::kContiguous;
  return [find = each_character(is_number), behavior](const std::vector<Piece>& pieces) {
    return cut(pieces, find, behavior);
  };
}

Splitter split_sequence(const Table& description, const std::string& where) {
  std::vector<Splitter> steps;
  for (const Value& step : io::array_at(description, "pretokenizers", where))
    steps.push_back(make_splitter(&step, where));
  return [steps](std::vector<Piece> pieces) {
    for (const auto& step : steps) pieces = step(std::move(pieces));
    return pieces;
  };
}

}  // namespace

Splitter make_splitter(const Value* description, const std::string& where) {
  if (is_none(description)) return [](std::vector<Piece> pieces) { return pieces; };
  const std::map<std::string, SplitterMaker> known{
      {"BertPreTokenizer", split_bert},      {"ByteLevel", split_byte_level}, {"Digits", split_digits},
      {"Metaspace", split_metaspace},        {"Sequence", split_sequence},    {"Split", split_split},
      {"WhitespaceSplit", split_white_space}};
  const std::string place = inside(where, kSplitter);
  const Table& table = described(*description, place);
  return find_type(known, table, place)(table, place);
}

}  // namespace heterodyne::tokens
