// A tokenizer that other software made, from its file: see tokenizer_file.h for the forms that are known.
#include "heterodyne/data/tokenizer_file.h"

namespace heterodyne {
namespace {

struct FileTokenizer {
  struct Options {
    std::string path;
    void visit(Fields& field) {
      field("path", path, "a tokenizer.json, a SentencePiece .model, or GPT-2's encoder.json with vocab.bpe beside it",
            required());
    }
  };

  static Vocabulary learn(const Options& options, std::string_view, const std::string&) {
    return read_tokenizer_file(options.path);
  }
  static std::shared_ptr<Tokenizer> make(const Vocabulary& vocabulary) {
    return make_defined_tokenizer(vocabulary, "tokenizer.file");
  }
};

}  // namespace

TokenizerKind tokenizer_kind_file() {
  return tokenizer_kind<FileTokenizer>("a tokenizer's file: tokenizer.json, SentencePiece, GPT-2");
}

}  // namespace heterodyne
