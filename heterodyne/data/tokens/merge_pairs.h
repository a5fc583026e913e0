// Merging neighbours (byte pair encoding: Sennrich et al. 2016, section 3.2): of all neighbouring symbols that may
// become one, the pair of the lowest rank does, the leftmost of equals; then again, until none may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

namespace heterodyne::tokens {

/// A symbol and the part of the word that it stands for.
struct Symbol {
  int64_t id = 0;
  size_t begin = 0;
  size_t end = 0;
};

struct Merge {
  double rank = 0;  // lower ones come first
  int64_t id = 0;   // of what the two become
};

namespace internal {

struct Candidate {
  Merge merge;
  size_t left, middle, end;  // index of the left symbol, and where the right one begins and ends in the word
  bool operator<(const Candidate& other) const {  // of which std::priority_queue gives the greatest
    return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : left > other.left;
  }
};

}  // namespace internal

/// Merges in place. `symbols` cover the word one after the other. `find(left, right)` gives std::optional<Merge>. Takes
/// N log N steps for N symbols.
template <class Find>
void merge_pairs(std::vector<Symbol>& symbols, const Find& find) {
  constexpr size_t kNone = SIZE_MAX;
  const size_t count = symbols.size();
  std::vector<size_t> next(count), previous(count);
  for (size_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
  }
  std::priority_queue<internal::Candidate> candidates;
  const auto offer = [&](size_t left) {
    if (left == kNone || next[left] == kNone) return;
    const Symbol& right = symbols[next[left]];
    if (const std::optional<Merge> merge = find(symbols[left], right))
      candidates.push({*merge, left, right.begin, right.end});
  };
  for (size_t i = 0; i + 1 < count; ++i) offer(i);
  std::vector<bool> is_gone(count, false);
  while (!candidates.empty()) {
    const auto best = candidates.top();
    candidates.pop();
    const size_t right = is_gone[best.left] ? kNone : next[best.left];
    if (right == kNone || symbols[right].begin != best.middle || symbols[right].end != best.end) continue;
    symbols[best.left].id = best.merge.id;
    symbols[best.left].end = best.end;
    is_gone[right] = true;
    next[best.left] = next[right];
    if (next[right] != kNone) previous[next[right]] = best.left;
    offer(previous[best.left]);
    offer(best.left);
  }
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!is_gone[i]) symbols[kept++] = symbols[i];
  }
  symbols.resize(kept);
}

}  // namespace heterodyne::tokens
