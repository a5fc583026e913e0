#include "heterodyne/data/tokens/word_model.h"

#include <fmt/format.h>

#include "heterodyne/data/tokens/described.h"

namespace heterodyne::tokens {

namespace {

constexpr int64_t kMostIds = 10'000'000;

using WordModelMaker = std::unique_ptr<WordModel> (*)(const Table&, const std::string&);

}  // namespace

Ids read_ids(const Table& vocabulary, const std::string& where) {
  Ids ids;
  ids.reserve(vocabulary.size());
  std::vector<bool> is_taken;
  for (const auto& [symbol, value] : vocabulary.entries()) {
    const int64_t* id = value.if_integer();
    if (id == nullptr || *id < 0 || *id > kMostIds)
      throw FormatError::in_file(
          where, fmt::format("\"{}\": expected an id of 0 .. {}, got {}", symbol, kMostIds, io::write_json(value)));
    const auto place = static_cast<size_t>(*id);
    if (is_taken.size() <= place) is_taken.resize(place + 1, false);
    if (is_taken[place])
      throw FormatError::in_file(where, fmt::format("\"{}\": expected an id of its own, got {}, which another symbol "
                                                    "has",
                                                    symbol, *id));
    is_taken[place] = true;
    ids.emplace(symbol, *id);
  }
  return ids;
}

std::unique_ptr<WordModel> make_word_model(const Table& description, const std::string& where) {
  const std::map<std::string, WordModelMaker> known{{"BPE", make_bpe}, {"WordPiece", make_word_piece}};
  const std::string place = inside(where, "model");
  return find_type(known, description, place)(description, place);
}

}  // namespace heterodyne::tokens
