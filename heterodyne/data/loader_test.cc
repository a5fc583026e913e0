#include "heterodyne/data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::loader_test {
namespace {

// A data set whose example i is the number i; what it is asked for beyond `fails_at` is damaged.
class Numbers : public Dataset {
 public:
  explicit Numbers(int64_t count, int64_t fails_at = -1) : count_(count), fails_at_(fails_at) {}

  int64_t size(Split) const override { return count_; }
  Batch get(Split, const torch::Tensor& index_B) const override {
    ++num_gets;
    Batch batch;
    batch.inputs = index_B.to(torch::kFloat32).unsqueeze(1);
    batch.label_B = torch::zeros_like(index_B);
    batch.index_B = index_B;
    if (fails_at_ >= 0 && index_B.ge(fails_at_).any().item<bool>()) throw FormatError("damaged");
    return batch;
  }
  torch::Tensor labels(Split) const override { return torch::zeros({count_}, torch::kInt64); }
  DataShape shape() const override { return {1, 1, 1, 1}; }
  const std::vector<std::string>& class_names() const override { return names_; }

  mutable std::atomic<int> num_gets = 0;

 private:
  int64_t count_;
  int64_t fails_at_;
  std::vector<std::string> names_ = {"number"};
};

std::vector<std::vector<int64_t>> rest_of(Loader& loader) {
  std::vector<std::vector<int64_t>> batches;
  while (const auto batch = loader.next()) {
    const auto* index = batch->index_B.const_data_ptr<int64_t>();
    batches.emplace_back(index, index + batch->size());
  }
  return batches;
}

std::vector<std::vector<int64_t>> batches_of(Loader& loader, int64_t epoch, int64_t first_batch = 0) {
  loader.start(epoch, first_batch);
  return rest_of(loader);
}

TEST(Loader, GivesTheSplitInOrder) {
  const Numbers numbers(7);
  Loader loader(numbers, Split::kValid, {.batch = 3});
  EXPECT_EQ(loader.num_batches(), 3);
  EXPECT_EQ(batches_of(loader, 0), (std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_EQ(loader.next(), std::nullopt) << "the end stays the end";
}

TEST(Loader, MayLeaveOutTheLastBatch) {
  const Numbers numbers(7);
  Loader loader(numbers, Split::kTrain, {.batch = 3, .drop_last = true});
  EXPECT_EQ(loader.num_batches(), 2);
  EXPECT_EQ(batches_of(loader, 0), (std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4, 5}}));
  Loader exact(numbers, Split::kTrain, {.batch = 7, .drop_last = true});
  EXPECT_EQ(exact.num_batches(), 1);
}

TEST(Loader, ShufflesEachEpochAnew) {
  const Numbers numbers(1000);
  Loader loader(numbers, Split::kTrain, {.batch = 1000, .shuffle = true, .seed = 3});
  const auto first = batches_of(loader, 0).at(0);
  const auto second = batches_of(loader, 1).at(0);
  EXPECT_NE(first, second);
  EXPECT_EQ(batches_of(loader, 0).at(0), first) << "the order belongs to the epoch";
  auto sorted = first;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int64_t> all(1000);
  std::iota(all.begin(), all.end(), int64_t{0});
  EXPECT_EQ(sorted, all);
  Loader other(numbers, Split::kTrain, {.batch = 1000, .shuffle = true, .seed = 4});
  EXPECT_NE(batches_of(other, 0).at(0), first);
}

TEST(Loader, GoesOnWhereARunWasInterrupted) {
  const Numbers numbers(100);
  const LoaderOptions options{.batch = 8, .shuffle = true, .seed = 5};
  Loader loader(numbers, Split::kTrain, options);
  const auto whole = batches_of(loader, 4);
  Loader resumed(numbers, Split::kTrain, options);
  const auto rest = batches_of(resumed, 4, 9);
  EXPECT_EQ(rest, std::vector(whole.begin() + 9, whole.end()));
  EXPECT_TRUE(batches_of(resumed, 4, resumed.num_batches()).empty());
}

TEST(Loader, GivesNothingBeforeItIsStarted) {
  const Numbers numbers(3);
  Loader loader(numbers, Split::kTrain, {.batch = 2});
  EXPECT_EQ(loader.next(), std::nullopt);
}

TEST(Loader, PreparesAtMostTwoBatchesAndOneInHand) {
  const Numbers numbers(100);
  {
    Loader loader(numbers, Split::kTrain, {.batch = 1});
    loader.start(0);
    for (int i = 0; i < 10; ++i) loader.next();
    EXPECT_LE(numbers.num_gets, 13);
  }
  EXPECT_LE(numbers.num_gets, 13) << "the thread ends with its loader";
}

TEST(Loader, MayBeLeftOrStartedAgainAtAnyTime) {
  const Numbers numbers(1000);
  for (int taken = 0; taken < 6; ++taken) {
    Loader loader(numbers, Split::kTrain, {.batch = 10});
    for (int64_t epoch = 0; epoch < 20; ++epoch) {
      loader.start(epoch);
      for (int i = 0; i < taken; ++i) EXPECT_EQ(loader.next()->index_B[0].item<int64_t>(), 10 * i);
    }
  }
}

TEST(Loader, AnErrorComesOutInItsPlace) {
  const Numbers damaged(10, 4);
  Loader loader(damaged, Split::kTrain, {.batch = 2});
  loader.start(0);
  EXPECT_EQ(loader.next()->size(), 2);
  EXPECT_EQ(loader.next()->size(), 2);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { loader.next(); }), "damaged");
  EXPECT_THROW(loader.next(), FormatError);
  loader.start(1);
  EXPECT_EQ(loader.next()->size(), 2) << "a new epoch begins afresh";
}

TEST(Loader, TheBatchesDoNotDependOnTheNumberOfThreads) {
  const Numbers numbers(500);
  Loader one(numbers, Split::kTrain, {.batch = 7, .shuffle = true, .seed = 5});
  Loader four(numbers, Split::kTrain, {.batch = 7, .shuffle = true, .workers = 4, .seed = 5});
  for (int64_t epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(batches_of(four, epoch), batches_of(one, epoch));
  EXPECT_EQ(batches_of(four, 1, 30), batches_of(one, 1, 30));
  const Numbers damaged(100, 40);
  Loader failing(damaged, Split::kValid, {.batch = 10, .workers = 4});
  failing.start(0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(failing.next()->index_B[0].item<int64_t>(), 10 * i);
  EXPECT_THROW(failing.next(), FormatError) << "in its place";
}

// A data set that writes the epoch into its examples where it may change them.
class Marked : public Numbers {
 public:
  using Numbers::Numbers;
  Batch get_augmented(const torch::Tensor& index_B, RandomKey key) const override {
    Batch batch = get(Split::kTrain, index_B);
    batch.inputs.fill_(static_cast<double>(100 * key.seed + key.step));
    return batch;
  }
};

TEST(Loader, AugmentsAnewInEachEpochWhereItIsAsked) {
  const Marked numbers(4);
  Loader loader(numbers, Split::kTrain, {.batch = 4, .augment = true, .seed = 3});
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    loader.start(epoch);
    EXPECT_EQ(loader.next()->inputs[0][0].item<double>(), 300 + static_cast<double>(epoch));
  }
  Loader plain(numbers, Split::kTrain, {.batch = 4, .seed = 3});
  plain.start(1);
  EXPECT_EQ(plain.next()->inputs[3][0].item<double>(), 3);
}

TEST(Loader, FewerExamplesThanABatchAreRefusedForTraining) {
  const Numbers numbers(40);
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] {
              Loader loader(numbers, Split::kTrain, {.batch = 128, .drop_last = true, .where = "data.synthetic"});
            }),
            "[data.synthetic] batch: expected at most the 40 training examples, got 128");
  Loader valid(numbers, Split::kValid, {.batch = 128});
  EXPECT_EQ(batches_of(valid, 0).at(0).size(), 40U);
}

TEST(Loader, AnEmptySplitHasNoBatches) {
  const Numbers none(0);
  Loader loader(none, Split::kValid, {.batch = 4});
  EXPECT_EQ(loader.num_batches(), 0);
  EXPECT_TRUE(batches_of(loader, 0).empty());
}

}  // namespace
}  // namespace heterodyne::loader_test
