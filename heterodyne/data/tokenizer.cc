#include "heterodyne/data/tokenizer.h"

namespace heterodyne {

TokenizerRegistry empty_tokenizers() { return TokenizerRegistry("tokenizer"); }

Vocabulary learn_vocabulary(const Member& choice, std::string_view text, const std::string& where) {
  Table own = choice.settings;
  own.erase("kind");
  const Place place{choice.path, "tokenizer." + choice.kind, choice.families};
  return tokenizers().of(choice).find(choice.kind).learn(own, place, text, where);
}

}  // namespace heterodyne
