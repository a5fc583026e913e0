#include "cli/text/tokenize.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/data/tokens/byte_level_bpe.h"
#include "heterodyne/data/tokens/unicode.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"

namespace heterodyne::cli {

std::string LineTokenizer::encode(const std::string& line, const std::string& where) const {
  const Value value = io::parse_json(line, where);
  if (value.if_text() == nullptr)
    throw FormatError::in_file(where, fmt::format("expected text in JSON, got {}", value.type_name()));
  const auto ids = tokenizer->encode(*value.if_text(), where);
  const auto all = uses_specials ? tokenizer->framed(ids).ids : ids;
  return io::write_json(Array(all.begin(), all.end()));
}

std::string LineTokenizer::decode(const std::string& line, const std::string& where) const {
  const Value value = io::parse_json(line, where);
  if (value.if_array() == nullptr)
    throw FormatError::in_file(where, fmt::format("expected a list of ids in JSON, got {}", value.type_name()));
  std::vector<int64_t> ids;
  for (const Value& id : *value.if_array()) {
    if (id.if_integer() == nullptr || *id.if_integer() < 0 || *id.if_integer() >= num_symbols)
      throw FormatError::in_file(where,
                                 fmt::format("expected ids of 0 .. {}, got {}", num_symbols - 1, io::write_json(id)));
    ids.push_back(*id.if_integer());
  }
  return io::write_json(tokenizer->decode(ids, uses_specials));
}

LineTokenizer line_tokenizer(const std::string& path, bool uses_specials) {
  const Vocabulary vocabulary = read_tokenizer_file(path);
  return {make_defined_tokenizer(vocabulary, path), static_cast<int64_t>(vocabulary.size()), uses_specials};
}

void each_line(std::istream& in, const std::function<void(const std::string& line, const std::string& where)>& take) {
  int64_t number = 0;
  for (std::string line; std::getline(in, line);) take(line, fmt::format("standard input: line {}", ++number));
}

std::string read_texts(const std::vector<std::string>& paths) {
  std::string text;
  for (const auto& path : paths) {
    const std::string part = io::read_maybe_compressed(path);
    tokens::check_utf8(part, path);
    text += part;
    if (!text.ends_with('\n')) text += '\n';
  }
  return text;
}

int64_t write_learned_tokenizer(const std::string& text, int64_t symbols, const std::string& path) {
  const Table description = tokens::train_bpe(text, {symbols}, path);
  const auto num_symbols = static_cast<int64_t>(vocabulary_of(description, path).size());
  io::write_file(path, io::write_json(description, 1) + "\n");
  return num_symbols;
}

}  // namespace heterodyne::cli
