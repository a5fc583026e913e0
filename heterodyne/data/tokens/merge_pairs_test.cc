#include "heterodyne/data/tokens/merge_pairs.h"

#include <gtest/gtest.h>

namespace heterodyne::merge_pairs_test {
namespace {

using namespace tokens;

std::vector<int64_t> merged(const std::vector<int64_t>& ids) {
  std::vector<Symbol> symbols;
  for (const int64_t id : ids) symbols.push_back({id, symbols.size(), symbols.size() + 1});
  // 1 1 -> 11 comes first, then 1 2 -> 12, then 11 12 -> 99.
  merge_pairs(symbols, [](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    if (left.id == 1 && right.id == 1) return Merge{0, 11};
    if (left.id == 1 && right.id == 2) return Merge{1, 12};
    if (left.id == 11 && right.id == 12) return Merge{2, 99};
    return std::nullopt;
  });
  std::vector<int64_t> all;
  for (const auto& symbol : symbols) all.push_back(symbol.id);
  return all;
}

TEST(MergePairs, LowestRankThenLeftmost) {
  EXPECT_EQ(merged({1, 1, 1}), (std::vector<int64_t>{11, 1}));
  EXPECT_EQ(merged({1, 1, 2}), (std::vector<int64_t>{11, 2}));
  EXPECT_EQ(merged({1, 1, 1, 2}), (std::vector<int64_t>{99}));
  EXPECT_EQ(merged({2, 1, 2}), (std::vector<int64_t>{2, 12}));
  EXPECT_TRUE(merged({}).empty());
  EXPECT_EQ(merged({5}), (std::vector<int64_t>{5}));
}

TEST(MergePairs, ALongWordIsNoTrouble) { EXPECT_EQ(merged(std::vector<int64_t>(200'001, 1)).size(), 100'001U); }

}  // namespace
}  // namespace heterodyne::merge_pairs_test
