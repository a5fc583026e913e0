// Bytes as symbols: of a plain English text, its characters.
#include <fmt/format.h>

#include <array>
#include <bitset>

#include "heterodyne/base/error.h"
#include "heterodyne/data/tokenizer.h"

namespace heterodyne {
namespace {

constexpr size_t kNumBytes = 256;

// U+0000 .. U+00FF in UTF-8.
std::string symbol_of(size_t byte) {
  if (byte < 0x80) return {static_cast<char>(byte)};
  return {static_cast<char>(0xC0 | (byte >> 6)), static_cast<char>(0x80 | (byte & 0x3F))};
}

class ByteTokenizer : public Tokenizer {
 public:
  struct Options {
    std::string vocabulary = "observed";
    void visit(Fields& field) {
      field("vocabulary", vocabulary, "the bytes that the training text holds, in ascending order, or all 256",
            one_of("observed", "all"));
    }
  };

  static Vocabulary learn(const Options& options, std::string_view text, const std::string&) {
    std::bitset<kNumBytes> seen;
    if (options.vocabulary == "all") seen.set();
    for (const char c : text) seen.set(static_cast<unsigned char>(c));
    Vocabulary vocabulary;
    for (size_t byte = 0; byte < kNumBytes; ++byte) {
      if (seen[byte]) vocabulary.push_back(symbol_of(byte));
    }
    return vocabulary;
  }

  explicit ByteTokenizer(const Vocabulary& vocabulary) {
    id_of_byte_.fill(-1);
    for (size_t byte = 0; byte < kNumBytes; ++byte) {
      for (size_t id = 0; id < vocabulary.size(); ++id) {
        if (vocabulary[id] == symbol_of(byte)) id_of_byte_[byte] = static_cast<int64_t>(id);
      }
    }
    byte_of_id_.resize(vocabulary.size(), '?');
    for (size_t byte = 0; byte < kNumBytes; ++byte) {
      if (id_of_byte_[byte] >= 0) byte_of_id_[static_cast<size_t>(id_of_byte_[byte])] = static_cast<char>(byte);
    }
  }

  std::vector<int64_t> encode(std::string_view text, const std::string& where) const override {
    std::vector<int64_t> ids;
    ids.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const int64_t id = id_of_byte_[byte];
      if (id < 0) {
        throw FormatError(where, fmt::format("byte {}: expected one of the {} bytes that the model was trained on, got "
                                             "0x{:02x}{}",
                                             i, byte_of_id_.size(), byte,
                                             byte > 0x20 && byte < 0x7F ? fmt::format(" ('{}')", text[i]) : ""));
      }
      ids.push_back(id);
    }
    return ids;
  }

  std::string piece(int64_t id, int64_t) const override { return {byte_of_id_.at(static_cast<size_t>(id))}; }

 private:
  std::array<int64_t, kNumBytes> id_of_byte_{};
  std::string byte_of_id_;
};

}  // namespace

TokenizerKind tokenizer_kind_byte() { return tokenizer_kind<ByteTokenizer>("bytes; of plain text, its characters"); }

}  // namespace heterodyne
