#include "heterodyne/data/tokens/byte_level_bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/tokens/byte_level.h"
#include "heterodyne/data/tokens/pattern.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::tokens {
namespace {

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr int64_t kFirstByte = 1;  // its id, of symbols that are learned

Table added_token(const std::string& content, int64_t id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

// The file tokenizer.json of a byte-level encoding.
Table byte_level_description(std::vector<Entry> vocabulary, Array merges, Array added) {
  const Table byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  Table model{{"type", "BPE"},
              {"dropout", Value()},
              {"unk_token", Value()},
              {"continuing_subword_prefix", Value()},
              {"end_of_word_suffix", Value()},
              {"fuse_unk", false},
              {"byte_fallback", false},
              {"ignore_merges", false}};
  model.set("vocab", Table(std::move(vocabulary)));
  model.set("merges", std::move(merges));
  return {{"version", "1.0"},
          {"truncation", Value()},
          {"padding", Value()},
          {"added_tokens", std::move(added)},
          {"normalizer", Value()},
          {"pre_tokenizer", byte_level},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model", std::move(model)}};
}

using Pair = std::pair<int64_t, int64_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    return static_cast<size_t>(static_cast<uint64_t>(pair.first) * 0x9E3779B97F4A7C15U +
                               static_cast<uint64_t>(pair.second));
  }
};

// A pair as often as it occurred when it was put into the queue.
struct Ranked {
  int64_t count;
  Pair pair;
  bool operator<(const Ranked& other) const { return count != other.count ? count < other.count : pair > other.pair; }
};

template <class Take>
void each_pair(const std::vector<int64_t>& ids, const Take& take) {
  for (size_t i = 0; i + 1 < ids.size(); ++i) take({ids[i], ids[i + 1]});
}

// Different words with their counts; merging changes those alone that hold the pair.
class Words {
 public:
  Words(std::string_view text, const std::string& where) {
    std::map<std::string_view, int64_t> counts;
    for (const Span& span : Pattern(kGpt2Words, where).matches(text))
      ++counts[text.substr(span.begin, span.end - span.begin)];
    for (const auto& [word, count] : counts) {
      std::vector<int64_t> ids;
      for (const char byte : word) ids.push_back(kFirstByte + static_cast<unsigned char>(byte));
      const size_t index = words_.size();
      words_.push_back({std::move(ids), count});
      each_pair(words_[index].ids, [&](const Pair& pair) { note(pair, count, index); });
    }
    for (const auto& [pair, counted] : pairs_) queue_.push({counted.count, pair});
  }

  // The most frequent pair, and how often it occurs; 0: none is left.
  Ranked best() {
    while (!queue_.empty()) {
      const Ranked top = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(top.pair);
      if (found != pairs_.end() && found->second.count == top.count) return top;
    }
    return {0, {}};
  }

  void merge(const Pair& pair, int64_t id) {
    const auto words = std::move(pairs_.at(pair).words);
    pairs_.erase(pair);
    std::set<Pair> changed;
    for (const size_t index : words) {
      auto& [ids, count] = words_[index];
      std::vector<int64_t> merged;
      for (size_t i = 0; i < ids.size(); ++i) {
        const bool is_pair = i + 1 < ids.size() && ids[i] == pair.first && ids[i + 1] == pair.second;
        merged.push_back(is_pair ? id : ids[i]);
        i += is_pair ? 1 : 0;
      }
      if (merged.size() == ids.size()) continue;
      each_pair(ids, [&](const Pair& other) { forget(other, count, changed); });
      each_pair(merged, [&](const Pair& other) {
        note(other, count, index);
        changed.insert(other);
      });
      ids = std::move(merged);
    }
    for (const Pair& other : changed) {
      if (const auto found = pairs_.find(other); found != pairs_.end()) queue_.push({found->second.count, other});
    }
  }

 private:
  struct Word {
    std::vector<int64_t> ids;
    int64_t count;
  };
  struct Counted {
    int64_t count = 0;
    std::set<size_t> words;  // that held the pair at some time
  };

  void note(const Pair& pair, int64_t count, size_t word) {
    auto& counted = pairs_[pair];
    counted.count += count;
    counted.words.insert(word);
  }
  void forget(const Pair& pair, int64_t count, std::set<Pair>& changed) {
    const auto found = pairs_.find(pair);
    if (found == pairs_.end()) return;
    found->second.count -= count;
    changed.insert(pair);
  }

  std::vector<Word> words_;
  std::unordered_map<Pair, Counted, PairHash> pairs_;
  std::priority_queue<Ranked> queue_;
};

}  // namespace

Table gpt2_description(const Table& encoder, std::string_view pairs, const std::string& where) {
  std::vector<Entry> vocabulary = encoder.entries();
  Array merges, added;
  int64_t number = 0;
  for (std::string line : split(pairs, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    if (split(line, ' ').size() != 2)
      throw FormatError::in_file(where, fmt::format("line {}: expected two symbols, got \"{}\"", number, line));
    merges.push_back(line);
  }
  for (const auto& [symbol, id] : vocabulary) {
    if (symbol == kEndOfText && id.if_integer()) added.push_back(added_token(symbol, *id.if_integer()));
  }
  return byte_level_description(std::move(vocabulary), std::move(merges), std::move(added));
}

Table train_bpe(std::string_view text, const BpeTraining& training, const std::string& where) {
  check_utf8(text, where);
  std::vector<std::string> symbols{kEndOfText};
  symbols.insert(symbols.end(), byte_characters().begin(), byte_characters().end());
  std::unordered_map<std::string, int64_t> id_of;
  for (size_t id = 1; id < symbols.size(); ++id) id_of.emplace(symbols[id], static_cast<int64_t>(id));
  Array merges;
  Words words(text, where);
  while (static_cast<int64_t>(symbols.size()) < training.symbols) {
    const auto [count, pair] = words.best();
    if (count < std::max<int64_t>(1, training.least_count)) break;
    const auto &left = symbols[static_cast<size_t>(pair.first)], &right = symbols[static_cast<size_t>(pair.second)];
    merges.push_back(left + " " + right);
    // Two pairs may make the same symbol: a + bc, ab + c.
    const auto [found, is_fresh] = id_of.emplace(left + right, static_cast<int64_t>(symbols.size()));
    if (is_fresh) symbols.push_back(found->first);
    words.merge(pair, found->second);
  }
  std::vector<Entry> vocabulary;
  for (size_t id = 0; id < symbols.size(); ++id) vocabulary.push_back({symbols[id], static_cast<int64_t>(id)});
  return byte_level_description(std::move(vocabulary), std::move(merges), Array{added_token(kEndOfText, 0)});
}

}  // namespace heterodyne::tokens
