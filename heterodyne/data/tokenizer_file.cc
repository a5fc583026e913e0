#include "heterodyne/data/tokenizer_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/data/tokens/byte_level_bpe.h"
#include "heterodyne/data/tokens/sentencepiece.h"
#include "heterodyne/data/tokens/tokenizer_json.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

constexpr uint64_t kLargestDescription = uint64_t{256} << 20U;
constexpr const char* kPairs = "vocab.bpe";

bool is_json(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '{';
}

tokens::DefinedTokenizer defined(std::string_view definition, const std::string& where) {
  if (!is_json(definition)) return tokens::make_sentencepiece(definition, where);
  return tokens::make_json_tokenizer(io::parse_json_table(definition, where), where);
}

bool is_encoder(const Table& table) {
  return !table.empty() && std::all_of(table.entries().begin(), table.entries().end(),
                                       [](const Entry& entry) { return entry.value.if_integer() != nullptr; });
}

}  // namespace

std::string tokenizer_file_name(const std::string& definition) {
  return is_json(definition) ? "tokenizer.json" : "tokenizer.model";
}

Vocabulary vocabulary_of(const Table& description, const std::string& where) {
  Vocabulary vocabulary = tokens::make_json_tokenizer(description, where).vocabulary;
  vocabulary.definition = io::write_json(description);
  return vocabulary;
}

Vocabulary read_tokenizer_file(const std::string& path) {
  std::string bytes = io::read_maybe_compressed(path, kLargestDescription);
  if (is_json(bytes)) {
    const Table table = io::parse_json_table(bytes, path);
    if (is_encoder(table)) {
      const std::string pairs = (std::filesystem::path(path).parent_path() / kPairs).string();
      return vocabulary_of(
          tokens::gpt2_description(table, io::read_maybe_compressed(pairs, kLargestDescription), pairs), pairs);
    }
    if (!table.contains("model"))
      throw FormatError::in_file(path,
                                 "expected a tokenizer.json, a SentencePiece .model or GPT-2's encoder.json, got "
                                 "another JSON file");
  }
  Vocabulary vocabulary = defined(bytes, path).vocabulary;
  vocabulary.definition = std::move(bytes);
  return vocabulary;
}

std::shared_ptr<Tokenizer> make_defined_tokenizer(const Vocabulary& vocabulary, const std::string& where) {
  if (vocabulary.definition.empty())
    throw FormatError(where, "expected a vocabulary with its tokenizer's file, got one without");
  return defined(vocabulary.definition, where).tokenizer;
}

}  // namespace heterodyne
