#include "heterodyne/data/tokens/sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/tokens/decoder.h"
#include "heterodyne/data/tokens/merge_pairs.h"
#include "heterodyne/data/tokens/unicode.h"
#include "heterodyne/data/tokens/word_model.h"
#include "heterodyne/io/protobuf.h"

namespace heterodyne::tokens {
namespace {

using Model = SentencePieceModel;
using Type = Model::Type;

constexpr std::string_view kSpace = "\u2581";
constexpr uint64_t kBytePairEncoding = 2;

Model::Piece read_piece(const io::ProtobufField& message, const std::string& where) {
  Model::Piece piece;
  io::ProtobufReader reader(message.bytes, where, message.bytes_at);
  for (io::ProtobufField field; reader.next(field);) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2) piece.score = io::float_of(field);
    if (field.number != 3) continue;
    if (field.value < 1 || field.value > 6)
      throw FormatError::in_file(where, field.at, fmt::format("expected a type of 1 .. 6, got {}", field.value));
    piece.type = static_cast<Type>(field.value);
  }
  if (piece.text.empty() || !is_utf8(piece.text))
    throw FormatError::in_file(where, message.at, "expected a piece of UTF-8 text");
  if (piece.type == Type::kUnused || piece.type == Type::kUserDefined)
    throw FormatError::in_file(
        where, message.at,
        fmt::format("piece \"{}\": expected one that is normal, unknown, control or byte, got {}", piece.text,
                    piece.type == Type::kUnused ? "an unused one" : "one that the user defined"));
  if (piece.type == Type::kByte && byte_of_symbol(piece.text) < 0)
    throw FormatError::in_file(where, message.at, fmt::format("expected a byte as <0x00>, got \"{}\"", piece.text));
  return piece;
}

// Field numbers of TrainerSpec in sentencepiece_model.proto.
void read_training(const io::ProtobufField& message, Model& model, const std::string& where) {
  uint64_t kind = 1;  // unigram
  io::ProtobufReader reader(message.bytes, where, message.bytes_at);
  for (io::ProtobufField field; reader.next(field);) {
    const auto id = static_cast<int64_t>(static_cast<int32_t>(field.value));
    if (field.number == 3) kind = field.value;
    if (field.number == 40) model.unknown = id;
    if (field.number == 41) model.begin = id;
    if (field.number == 44) model.unknown_surface = field.bytes;
  }
  if (kind != kBytePairEncoding)
    throw FormatError::in_file(where, message.at,
                               fmt::format("model type: expected byte pair encoding (2), got {}", kind));
}

void read_normalization(const io::ProtobufField& message, Model& model, const std::string& where) {
  bool escapes = true;
  io::ProtobufReader reader(message.bytes, where, message.bytes_at);
  for (io::ProtobufField field; reader.next(field);) {
    if (field.number == 2 && !field.bytes.empty())
      throw FormatError::in_file(where, field.at, "normalisation: expected identity, got a table of characters");
    if (field.number == 3) model.adds_dummy_prefix = field.value != 0;
    if (field.number == 4) model.removes_extra_spaces = field.value != 0;
    if (field.number == 5) escapes = field.value != 0;
  }
  if (!escapes) throw FormatError::in_file(where, message.at, "expected spaces as U+2581, got spaces as they are");
}

class SentencePiece : public Tokenizer {
 public:
  SentencePiece(Model model, const std::string& where) : model_(std::move(model)) {
    byte_ids_.assign(256, -1);
    for (size_t i = 0; i < model_.pieces.size(); ++i) {
      const auto& piece = model_.pieces[i];
      const auto id = static_cast<int64_t>(i);
      if (piece.type == Type::kByte) byte_ids_[static_cast<size_t>(byte_of_symbol(piece.text))] = id;
      if (piece.type != Type::kNormal) continue;
      if (!ids_.emplace(piece.text, id).second)
        throw FormatError::in_file(where, fmt::format("expected a piece once, got \"{}\" twice", piece.text));
    }
    falls_back_ = std::find(byte_ids_.begin(), byte_ids_.end(), -1) == byte_ids_.end();
  }

  std::vector<int64_t> encode(std::string_view text, const std::string& where) const override {
    check_utf8(text, where);
    const std::string spaced = with_spaces(text);
    std::vector<Symbol> symbols;
    for (size_t at = 0; at < spaced.size();) {
      const size_t begin = at;
      next_character(spaced, at);
      symbols.push_back({0, begin, at});
    }
    const auto part = [&](size_t begin, size_t end) { return spaced.substr(begin, end - begin); };
    merge_pairs(symbols, [&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
      const auto found = ids_.find(part(left.begin, right.end));
      if (found == ids_.end()) return std::nullopt;
      return Merge{-static_cast<double>(model_.pieces[static_cast<size_t>(found->second)].score), found->second};
    });
    std::vector<int64_t> ids;
    bool was_unknown = false;
    for (const Symbol& symbol : symbols) {
      const std::string content = part(symbol.begin, symbol.end);
      const auto found = ids_.find(content);
      const bool is_unknown = found == ids_.end();
      if (!is_unknown) ids.push_back(found->second);
      else if (falls_back_)
        for (const char byte : content) ids.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
      else if (!was_unknown) ids.push_back(model_.unknown);
      was_unknown = is_unknown;
    }
    return ids;
  }

  std::string piece(int64_t id, int64_t before) const override {
    if (is_mark(id)) return "";
    const auto& piece = model_.pieces[static_cast<size_t>(id)];
    if (piece.type == Type::kUnknown) return model_.unknown_surface;
    if (piece.type == Type::kByte) return std::string(1, static_cast<char>(byte_of_symbol(piece.text)));
    const bool begins = before < 0 || is_mark(before);
    std::string_view text = piece.text;
    if (begins && model_.adds_dummy_prefix && text.starts_with(kSpace)) text.remove_prefix(kSpace.size());
    return replaced(text, kSpace, " ");
  }

  // Symbols that mark something are never part of the text.
  std::string decode(const std::vector<int64_t>& ids, bool) const override {
    std::vector<int64_t> shown;
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(shown), [&](int64_t id) { return !is_mark(id); });
    return lossy_utf8(Tokenizer::decode(shown, true));
  }

  FramedText framed(const std::vector<int64_t>& ids) const override {
    FramedText framed = Tokenizer::framed(ids);
    if (model_.begin < 0) return framed;
    framed.ids.insert(framed.ids.begin(), model_.begin);
    framed.types.insert(framed.types.begin(), 0);
    return framed;
  }
  using Tokenizer::framed;

 private:
  // A symbol that is never part of a text, or one of those that a model has room for beyond the tokenizer's.
  bool is_mark(int64_t id) const {
    const auto place = static_cast<size_t>(id);
    return place >= model_.pieces.size() || model_.pieces[place].type == Type::kControl;
  }

  // Spaces as characters of their own, one before the text.
  std::string with_spaces(std::string_view text) const {
    if (!model_.removes_extra_spaces) {
      const bool adds = model_.adds_dummy_prefix && !text.empty();
      return (adds ? std::string(kSpace) : "") + replaced(text, " ", kSpace);
    }
    std::string words;
    for (const auto& word : split(text, ' ')) {
      if (word.empty()) continue;
      if (!words.empty() || model_.adds_dummy_prefix) words += kSpace;
      words += word;
    }
    return words;
  }

  Model model_;
  Ids ids_;  // of normal pieces
  std::vector<int64_t> byte_ids_;
  bool falls_back_ = false;  // whether every byte has a piece
};

}  // namespace

SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& where) {
  Model model;
  bool is_trained = false;
  io::ProtobufReader reader(bytes, where);
  for (io::ProtobufField field; reader.next(field);) {
    if (field.number == 1) model.pieces.push_back(read_piece(field, where));
    if (field.number == 2) read_training(field, model, where);
    if (field.number == 3) read_normalization(field, model, where);
    is_trained = is_trained || field.number == 2;
  }
  const auto has = [&](int64_t id, Type type) {
    return id >= 0 && id < static_cast<int64_t>(model.pieces.size()) &&
           model.pieces[static_cast<size_t>(id)].type == type;
  };
  if (!is_trained || !has(model.unknown, Type::kUnknown))
    throw FormatError::in_file(where, "expected a SentencePiece model with an unknown piece; the file is none");
  if (!has(model.begin, Type::kControl)) model.begin = -1;
  return model;
}

DefinedTokenizer make_sentencepiece(std::string_view bytes, const std::string& where) {
  auto model = read_sentencepiece(bytes, where);
  Vocabulary vocabulary;
  for (const auto& piece : model.pieces) vocabulary.push_back(piece.text);
  return {std::make_shared<SentencePiece>(std::move(model), where), std::move(vocabulary)};
}

}  // namespace heterodyne::tokens
