#include "heterodyne/train/transfer/episodes.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::episodes_test {
namespace {

const std::vector<std::string> kNames = {"a", "b", "c", "d"};

// Ten examples of each of a, b and c, one after the other; d has none.
torch::Tensor labels() { return torch::arange(30).remainder(3); }

std::vector<int64_t> numbers(const torch::Tensor& tensor) {
  return {tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel()};
}

TEST(EpisodeSampler, DrawsClassesAndExamplesWithoutReplacement) {
  const EpisodeSampler sampler(labels(), kNames, {2, 3, 4, 7});
  std::set<std::vector<int64_t>> seen;
  for (int64_t number = 0; number < 20; ++number) {
    const auto episode = sampler.draw(number);
    ASSERT_EQ(episode.classes.size(), 2U);
    EXPECT_NE(episode.classes[0], episode.classes[1]);
    EXPECT_EQ(episode.support.index_N.numel(), 6);
    EXPECT_EQ(episode.query.index_N.numel(), 8);
    std::set<int64_t> all;
    for (const auto* part : {&episode.support, &episode.query}) {
      const auto index = numbers(part->index_N), label = numbers(part->label_N);
      for (size_t i = 0; i < index.size(); ++i) {
        EXPECT_TRUE(all.insert(index[i]).second) << "twice";
        EXPECT_EQ(index[i] % 3, episode.classes[static_cast<size_t>(label[i])]);
      }
    }
    seen.insert(episode.classes);
  }
  EXPECT_GT(seen.size(), 3U);  // of six orders of two out of three
}

TEST(EpisodeSampler, AnEpisodeIsAPureFunctionOfSeedAndNumber) {
  const EpisodeSampler one(labels(), kNames, {2, 3, 4, 7}), same(labels(), kNames, {2, 3, 4, 7}),
      other(labels(), kNames, {2, 3, 4, 8});
  EXPECT_EQ(numbers(one.draw(5).support.index_N), numbers(same.draw(5).support.index_N));
  EXPECT_NE(numbers(one.draw(5).support.index_N), numbers(one.draw(6).support.index_N));
  EXPECT_NE(numbers(one.draw(5).support.index_N), numbers(other.draw(5).support.index_N));
}

std::string complaint_about(const EpisodeOptions& options) {
  return fixtures::message_of<ConfigError>([&] { EpisodeSampler(labels(), kNames, options); });
}

TEST(EpisodeSampler, RefusesWhatTheDataCannotGive) {
  EXPECT_EQ(complaint_about({2, 8, 4, 0}),
            "[fewshot] shot: expected at most 6 examples of the class \"a\" beside 4 queries, got 8");
  EXPECT_EQ(complaint_about({4, 3, 4, 0}), "[fewshot] way: expected 2 .. 3, the classes with examples, got 4");
}

TEST(BalancedDraw, TakesSoManyOfEveryClass) {
  const auto query = torch::tensor({1, 0, 2}, torch::kInt64);
  const std::vector<std::string> three = {"a", "b", "c"};
  const auto draw = balanced_draw(labels(), query, three, 4, 1, 0);
  EXPECT_EQ(numbers(draw.support.label_N.bincount()), (std::vector<int64_t>{4, 4, 4}));
  EXPECT_TRUE(torch::equal(draw.support.index_N.remainder(3), draw.support.label_N));
  const auto drawn = numbers(draw.support.index_N);
  EXPECT_EQ(std::set<int64_t>(drawn.begin(), drawn.end()).size(), 12U);
  EXPECT_TRUE(torch::equal(draw.query.index_N, torch::arange(3)));
  EXPECT_TRUE(torch::equal(draw.query.label_N, query));
  EXPECT_NE(numbers(draw.support.index_N), numbers(balanced_draw(labels(), query, three, 4, 1, 1).support.index_N));
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { balanced_draw(labels(), query, three, 11, 1, 0); }),
            "[fewshot] shot: expected at most 10 examples of the class \"a\", got 11");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { balanced_draw(labels(), query, kNames, 2, 1, 0); }),
            "[fewshot] shot: expected examples of every class, \"d\" has none");
}

}  // namespace
}  // namespace heterodyne::episodes_test
