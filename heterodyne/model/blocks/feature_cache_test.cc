#include "heterodyne/model/blocks/feature_cache.h"

#include <gtest/gtest.h>

#include "heterodyne/base/random.h"

namespace heterodyne::feature_cache_test {
namespace {

torch::Tensor pictures(int64_t count) { return RandomStream("pictures").normal({1, 0}, {count, 3, 5, 5}); }

struct Counted {
  int64_t num_computed = 0;
  torch::Tensor factor = torch::ones({1}, torch::TensorOptions().requires_grad(true));

  FeatureCache cache(int64_t max_bytes = 1 << 20) {
    return {[this](const torch::Tensor& input) {
              num_computed += input.size(0);
              return input.sum({2, 3}) * factor;
            },
            max_bytes};
  }
};

TEST(FeatureCache, KnowsWhatItSaw) {
  Counted counted;
  auto cache = counted.cache();
  const auto all = pictures(20);
  const auto first = cache.features_of(all.narrow(0, 0, 12), {counted.factor});
  EXPECT_TRUE(torch::equal(first, all.narrow(0, 0, 12).sum({2, 3})));
  EXPECT_FALSE(first.requires_grad());
  EXPECT_EQ(counted.num_computed, 16) << "groups of one size";
  EXPECT_EQ(cache.num_kept(), 12);
  EXPECT_TRUE(torch::equal(cache.features_of(all, {counted.factor}), all.sum({2, 3})));
  EXPECT_EQ(counted.num_computed, 32) << "eight more, in one group";
  EXPECT_TRUE(torch::equal(cache.features_of(all.flip(0), {counted.factor}), all.flip(0).sum({2, 3})));
  EXPECT_EQ(counted.num_computed, 32);
}

TEST(FeatureCache, ForgetsWhenWhatItComputesWithChanges) {
  Counted counted;
  auto cache = counted.cache();
  const auto all = pictures(4);
  cache.features_of(all, {counted.factor});
  {
    const torch::NoGradGuard no_grad;
    counted.factor.mul_(2);
  }
  EXPECT_TRUE(torch::equal(cache.features_of(all, {counted.factor}), all.sum({2, 3}) * 2));
  EXPECT_EQ(cache.num_kept(), 4);
}

TEST(FeatureCache, KeepsNoMoreThanItMay) {
  Counted counted;
  auto cache = counted.cache(5 * 3 * sizeof(float));
  const auto all = pictures(9);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_TRUE(torch::equal(cache.features_of(all, {counted.factor}), all.sum({2, 3})));
    EXPECT_EQ(cache.num_kept(), 5);
  }
  EXPECT_EQ(counted.num_computed, 32) << "four of the second turn as well";
}

// One bit anywhere makes another picture, and so does the order of its parts.
TEST(FeatureCache, TellsLikePicturesApart) {
  Counted counted;
  auto cache = counted.cache();
  const auto zero = torch::zeros({1, 1, 3, 3});
  std::vector<torch::Tensor> alike{zero};
  for (int64_t i = 0; i < 9; ++i) {
    alike.push_back(zero.clone());
    alike.back().view({9})[i] = 1e-30;
    alike.push_back(zero.clone());
    alike.back().view({9})[i] = -1e-30;
  }
  cache.features_of(torch::cat(alike), {counted.factor});
  EXPECT_EQ(cache.num_kept(), static_cast<int64_t>(alike.size()));
}

TEST(FeatureCache, NothingIsNothing) {
  Counted counted;
  EXPECT_EQ(counted.cache().features_of(pictures(0), {counted.factor}).sizes(), (std::vector<int64_t>{0, 3}));
}

}  // namespace
}  // namespace heterodyne::feature_cache_test
