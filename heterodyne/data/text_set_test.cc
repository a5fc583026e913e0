#include "heterodyne/data/text_set.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/loader.h"

namespace heterodyne::text_set_test {
namespace {

// 0 .. n - 1 as training text.
TextSource counting(int64_t n, int64_t batch, int64_t length) {
  TextSource source;
  source.tokens = {torch::arange(n), torch::zeros({0}, torch::kInt64), torch::zeros({0}, torch::kInt64)};
  source.vocabulary = Vocabulary(static_cast<size_t>(n), "x");
  source.batch = batch;
  source.length = length;
  source.where = "data.text_lm";
  return source;
}

// 23 tokens in 2 streams of 11: windows of 5 begin at 0, 5 and at 11, 16; each needs the token after it.
TEST(TextDataset, AnExampleContinuesTheOneAtItsPlaceInTheBatchBefore) {
  const TextDataset set(counting(23, 2, 5));
  EXPECT_EQ(set.size(Split::kTrain), 4);
  const auto all = set.get(Split::kTrain, torch::arange(4));
  EXPECT_TRUE(torch::equal(all.inputs.select(1, 0), torch::tensor({0, 11, 5, 16}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(all.label_B, all.inputs + 1));
  EXPECT_TRUE(torch::equal(all.inputs[3], torch::arange(16, 21)));
}

TEST(TextDataset, IsNeverShuffled) {
  const TextDataset set(counting(100, 2, 5));
  Loader loader(set, Split::kTrain, {.batch = 2, .shuffle = true, .seed = 1});
  loader.start(3);
  EXPECT_TRUE(torch::equal(loader.next()->index_B, torch::tensor({0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(loader.next()->index_B, torch::tensor({2, 3}, torch::kInt64)));
}

TEST(TextDataset, ATextShorterThanOneBatchIsRefused) {
  EXPECT_EQ(fixtures::message_of<FormatError>([] { TextDataset(counting(11, 2, 5)); }),
            "[data.text_lm] train text: expected at least batch x (length + 1) = 2 x 6 = 12 tokens, got 11; a smaller "
            "data.batch or data.length helps");
  EXPECT_EQ(TextDataset(counting(12, 2, 5)).size(Split::kTrain), 2);
}

TEST(TextDataset, AnIndexBeyondItsEndIsRefused) {
  const TextDataset set(counting(23, 2, 5));
  EXPECT_THROW(set.get(Split::kTrain, torch::tensor({4}, torch::kInt64)), ShapeError);
  EXPECT_EQ(set.size(Split::kTest), 0);
}

TEST(TextDataset, ItsShapeIsThatOfAText) {
  const auto shape = TextDataset(counting(23, 2, 5)).shape();
  EXPECT_TRUE(shape.is_text());
  EXPECT_EQ(shape.vocabulary, 23);
  EXPECT_EQ(shape.num_classes, 23);
}

TEST(TextDataset, BeforeItIsReadATextHasAsManySymbolsAsIsSaidOrAsThereAreBytes) {
  const auto said = shape_before_reading(1000, 7);
  EXPECT_TRUE(said.is_text());
  EXPECT_EQ(said.vocabulary, 1000);
  EXPECT_EQ(said.num_classes, 1000);
  EXPECT_EQ(said.length, 7);
  EXPECT_EQ(shape_before_reading(0, 7).vocabulary, 256);
}

}  // namespace
}  // namespace heterodyne::text_set_test
