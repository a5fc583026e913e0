#include "heterodyne/eval/harness/score_cache.h"

#include <gtest/gtest.h>

#include "heterodyne/io/fixtures.h"

namespace heterodyne::score_cache_test {
namespace {

const TextWindow kOne{{1, 2}, {3}}, kOther{{1}, {2, 3}};

TEST(ScoreCache, FindsWhatAnEarlierOneAdded) {
  const fixtures::TemporaryFolder folder;
  const WindowScore score{-1.25e-17, false};
  {
    ScoreCache cache(folder / "cache.jsonl", "model a");
    EXPECT_FALSE(cache.find(kOne));
    cache.add(kOne, score);
    cache.add(kOne, {0, true});  // known: changes nothing
  }
  ScoreCache again(folder / "cache.jsonl", "model a");
  EXPECT_EQ(again.find(kOne), score);
  EXPECT_FALSE(again.find(kOther)) << "the same ids, cut elsewhere";
  ScoreCache other(folder / "cache.jsonl", "model b");
  EXPECT_FALSE(other.find(kOne));
}

TEST(ScoreCache, ALineThatWasCutOffCostsItselfOnly) {
  const fixtures::TemporaryFolder folder;
  {
    ScoreCache cache(folder / "cache.jsonl", "a");
    cache.add(kOne, {-1, true});
    cache.add(kOther, {-2, true});
  }
  const std::string whole = io::read_file(folder / "cache.jsonl");
  folder.put("cache.jsonl", whole.substr(0, whole.size() - 5));
  {
    ScoreCache cache(folder / "cache.jsonl", "a");
    EXPECT_TRUE(cache.find(kOne));
    EXPECT_FALSE(cache.find(kOther));
    cache.add(kOther, {-2, true});
  }
  EXPECT_EQ(ScoreCache(folder / "cache.jsonl", "a").find(kOther), (WindowScore{-2, true}));
}

}  // namespace
}  // namespace heterodyne::score_cache_test
