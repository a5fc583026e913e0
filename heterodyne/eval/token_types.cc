#include "heterodyne/eval/token_types.h"

#include <algorithm>
#include <string_view>

#include "heterodyne/base/printable.h"

namespace heterodyne {
namespace {

constexpr size_t kMostSymbols = 256;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string type_of(const std::string& symbol) {
  const char c = symbol.empty() ? '\0' : symbol.front();
  if (symbol == "\n" || symbol == "<eos>") return "newline";
  if (symbol.size() > 1 && symbol.front() == '<' && symbol.back() == '>') return "special";
  if (symbol.size() > 1 && is_letter(c)) return c <= 'Z' ? "capitalised word" : "word";
  if (c == ' ' || c == '\t' || c == '\r') return "space";
  if (c >= '0' && c <= '9') return "digit";
  if (c >= 'A' && c <= 'Z') return "capital";
  if (std::string_view("aeiou").find(c) != std::string_view::npos) return "vowel";
  if (is_letter(c)) return "consonant";
  return static_cast<unsigned char>(c) < 0x80 ? "punctuation" : "other";
}

}  // namespace

bool is_word(const std::string& symbol) { return symbol.size() > 1 && symbol.front() != '<'; }

TokenGroups word_places(const torch::Tensor& token_BS, const Vocabulary& vocabulary) {
  constexpr int64_t kStart = 0, kInside = 1, kNone = 2, kUnknown = -1;
  if (std::any_of(vocabulary.begin(), vocabulary.end(), is_word)) return {"word_place", {}, {}};
  std::vector<int64_t> letter_V;
  for (const auto& symbol : vocabulary) letter_V.push_back(symbol.size() == 1 && is_letter(symbol.front()) ? 1 : 0);
  const auto letter_BS = torch::tensor(letter_V, torch::kInt64).index_select(0, token_BS.reshape(-1)).view_as(token_BS);
  auto place_BS = torch::full_like(letter_BS, kNone).masked_fill(letter_BS > 0, kInside);
  const int64_t S = token_BS.size(1);
  if (S > 1) {
    const auto starts = (letter_BS.narrow(1, 1, S - 1) > letter_BS.narrow(1, 0, S - 1));
    place_BS.narrow(1, 1, S - 1).masked_fill_(starts, kStart);
  }
  place_BS.narrow(1, 0, 1).masked_fill_(letter_BS.narrow(1, 0, 1) > 0, kUnknown);
  return {"word_place", {"word start", "inside a word", "no letter"}, place_BS.reshape(-1)};
}

std::vector<SymbolGroups> token_types_of(const Vocabulary& vocabulary) {
  SymbolGroups types{"token_type", {}, {}};
  for (const auto& symbol : vocabulary) {
    const std::string type = type_of(symbol);
    auto found = std::find(types.labels.begin(), types.labels.end(), type);
    if (found == types.labels.end()) found = types.labels.insert(found, type);
    types.group_of.push_back(found - types.labels.begin());
  }
  std::vector<SymbolGroups> all{std::move(types)};
  if (vocabulary.size() > kMostSymbols) return all;
  SymbolGroups symbols{"token_symbol", {}, {}};
  for (const auto& symbol : vocabulary) {
    symbols.group_of.push_back(static_cast<int64_t>(symbols.labels.size()));
    symbols.labels.push_back(symbol == " " ? "space" : symbol == "\n" ? "newline" : printable(symbol));
  }
  all.push_back(std::move(symbols));
  return all;
}

}  // namespace heterodyne
