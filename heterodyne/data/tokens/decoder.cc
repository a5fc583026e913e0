#include "heterodyne/data/tokens/decoder.h"

#include <utility>

#include "heterodyne/data/tokens/byte_level.h"
#include "heterodyne/data/tokens/described.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::tokens {
namespace {

constexpr const char* kDecoder = "decoder";

using DecoderMaker = Decoder (*)(const Table&, const std::string&);

// The decoder that looks at each symbol by itself.
Decoder one_by_one(std::function<std::string(std::string symbol, bool is_first)> one) {
  return {[one](std::vector<std::string> symbols) {
            for (size_t i = 0; i < symbols.size(); ++i) symbols[i] = one(std::move(symbols[i]), i == 0);
            return symbols;
          },
          one};
}

std::string joined(const std::vector<std::string>& parts) { return join(parts, ""); }

Decoder decode_byte_level(const Table&, const std::string&) {
  return {[](const std::vector<std::string>& symbols) {
            std::string bytes;
            for (const auto& symbol : symbols) bytes += from_byte_characters(symbol);
            return std::vector<std::string>{lossy_utf8(bytes)};
          },
          [](const std::string& symbol, bool) { return from_byte_characters(symbol); }};
}

// Runs of bytes become text where they are UTF-8, and U+FFFD for each byte where they are not.
std::vector<std::string> bytes_joined(const std::vector<std::string>& symbols) {
  std::vector<std::string> parts;
  std::string run;
  const auto end_run = [&] {
    if (is_utf8(run) && !run.empty()) parts.push_back(run);
    else parts.insert(parts.end(), run.size(), "\uFFFD");
    run.clear();
  };
  for (const auto& symbol : symbols) {
    const int byte = byte_of_symbol(symbol);
    if (byte >= 0) {
      run += static_cast<char>(byte);
      continue;
    }
    end_run();
    parts.push_back(symbol);
  }
  end_run();
  return parts;
}

Decoder decode_byte_fallback(const Table&, const std::string&) {
  return {bytes_joined, [](const std::string& symbol, bool) {
            const int byte = byte_of_symbol(symbol);
            return byte < 0 ? symbol : std::string(1, static_cast<char>(byte));
          }};
}

Decoder decode_fuse(const Table&, const std::string&) {
  return {[](const std::vector<std::string>& symbols) { return std::vector<std::string>{joined(symbols)}; },
          [](const std::string& symbol, bool) { return symbol; }};
}

Decoder decode_replace(const Table& description, const std::string& where) {
  const std::string& from = io::text_at(io::table_at(description, "pattern", where), "String", where);
  if (from.empty()) throw FormatError::in_file(where, "expected text to replace, got none");
  return one_by_one([from, to = io::text_at(description, "content", where)](const std::string& symbol, bool) {
    return replaced(symbol, from, to);
  });
}

// At most `start` characters `content` off the beginning, `stop` off the end. As part of a text that is made symbol by
// symbol it is the text's beginning that is meant: the whole was fused before.
Decoder decode_strip(const Table& description, const std::string& where) {
  const std::string& content = io::text_at(description, "content", where);
  const int64_t start = io::integer_at(description, "start", where), stop = io::integer_at(description, "stop", where);
  if (content.empty()) throw FormatError::in_file(where, "content: expected a character, got none");
  const auto cut = [content](std::string text, int64_t from_start, int64_t from_end) {
    for (int64_t i = 0; i < from_start && text.starts_with(content); ++i) text.erase(0, content.size());
    for (int64_t i = 0; i < from_end && text.ends_with(content); ++i) text.resize(text.size() - content.size());
    return text;
  };
  return {[=](std::vector<std::string> symbols) {
            for (auto& symbol : symbols) symbol = cut(std::move(symbol), start, stop);
            return symbols;
          },
          [=](std::string symbol, bool is_first) { return is_first ? cut(std::move(symbol), start, 0) : symbol; }};
}

Decoder decode_metaspace(const Table& description, const std::string& where) {
  const std::string space = text_or(description, "replacement", "\u2581", where);
  const bool adds = flag_or(description, "add_prefix_space", true, where);
  const bool drops_first = text_or(description, "prepend_scheme", adds ? "always" : "never", where) != "never";
  if (space.empty()) throw FormatError::in_file(where, "replacement: expected a character, got none");
  return one_by_one([=](const std::string& symbol, bool is_first) {
    return replaced(symbol, space, is_first && drops_first ? "" : " ");
  });
}

// English signs without the spaces that cutting put before them.
std::string cleaned_up(std::string text) {
  for (const auto& [from, to] : {std::pair{" .", "."},
                                 {" ?", "?"},
                                 {" !", "!"},
                                 {" ,", ","},
                                 {" ' ", "'"},
                                 {" n't", "n't"},
                                 {" 'm", "'m"},
                                 {" do not", " don't"},
                                 {" 's", "'s"},
                                 {" 've", "'ve"},
                                 {" 're", "'re"}})
    text = replaced(text, from, to);
  return text;
}

Decoder decode_word_piece(const Table& description, const std::string& where) {
  const std::string prefix = text_or(description, "prefix", "##", where);
  const bool cleans = flag_or(description, "cleanup", true, where);
  return one_by_one([=](std::string symbol, bool is_first) {
    if (!is_first) {
      if (symbol.starts_with(prefix)) symbol.erase(0, prefix.size());
      else symbol.insert(0, " ");
    }
    return cleans ? cleaned_up(std::move(symbol)) : symbol;
  });
}

Decoder decode_sequence(const Table& description, const std::string& where) {
  std::vector<Decoder> steps;
  for (const Value& step : io::array_at(description, "decoders", where)) steps.push_back(make_decoder(&step, where));
  return {[steps](std::vector<std::string> symbols) {
            for (const auto& step : steps) symbols = step.all(std::move(symbols));
            return symbols;
          },
          [steps](std::string symbol, bool is_first) {
            for (const auto& step : steps) symbol = step.one(std::move(symbol), is_first);
            return symbol;
          }};
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

int byte_of_symbol(std::string_view symbol) {
  if (symbol.size() != 6 || !symbol.starts_with("<0x") || !symbol.ends_with('>')) return -1;
  const int high = digit_of(symbol[3]), low = digit_of(symbol[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

Decoder make_decoder(const Value* description, const std::string& where) {
  if (is_none(description))
    return one_by_one([](const std::string& symbol, bool is_first) { return is_first ? symbol : " " + symbol; });
  const std::map<std::string, DecoderMaker> known{{"ByteFallback", decode_byte_fallback},
                                                  {"ByteLevel", decode_byte_level},
                                                  {"Fuse", decode_fuse},
                                                  {"Metaspace", decode_metaspace},
                                                  {"Replace", decode_replace},
                                                  {"Sequence", decode_sequence},
                                                  {"Strip", decode_strip},
                                                  {"WordPiece", decode_word_piece}};
  const std::string place = inside(where, kDecoder);
  const Table& table = described(*description, place);
  return find_type(known, table, place)(table, place);
}

}  // namespace heterodyne::tokens
