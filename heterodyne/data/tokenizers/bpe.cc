// Byte-level byte pair encoding (Sennrich et al. 2016; Radford et al. 2019), learned from the training text.
#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/data/tokens/byte_level_bpe.h"

namespace heterodyne {
namespace {

struct BpeTokenizer {
  struct Options : tokens::BpeTraining {
    void visit(Fields& field) {
      field("symbols", symbols, "how many: <|endoftext|>, the 256 bytes and pairs; fewer when no more pairs are found",
            between(257, 1'000'000));
      field("least_count", least_count, "pairs that occur less often in the text become no symbol", at_least(1));
    }
  };

  static Vocabulary learn(const Options& options, std::string_view text, const std::string& where) {
    return vocabulary_of(tokens::train_bpe(text, options, where), "tokenizer.bpe");
  }
  static std::shared_ptr<Tokenizer> make(const Vocabulary& vocabulary) {
    return make_defined_tokenizer(vocabulary, "tokenizer.bpe");
  }
};

}  // namespace

TokenizerKind tokenizer_kind_bpe() {
  return tokenizer_kind<BpeTokenizer>("pieces of words, learned from the text: byte-level byte pair encoding");
}

}  // namespace heterodyne
