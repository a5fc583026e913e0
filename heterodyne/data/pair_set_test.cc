#include "heterodyne/data/pair_set.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::pair_set_test {
namespace {

// Image m is all 10 m; three texts are about each, of 1, 2 and 3 tokens; text n has label n % 2.
PairSet pairs_of(int64_t num_images) {
  const int64_t N = 3 * num_images;
  PairSet pairs;
  pairs.pixel_MCHW = (torch::arange(num_images) * 10).to(torch::kUInt8).view({-1, 1, 1, 1}).repeat({1, 2, 4, 4});
  pairs.image_N = torch::arange(N).div(3, "floor");
  pairs.length_N = torch::arange(N).remainder(3) + 1;
  pairs.token_NS = torch::arange(3).unsqueeze(0).lt(pairs.length_N.unsqueeze(1)).to(torch::kInt64) * 4;
  pairs.label_N = torch::arange(N).remainder(2);
  return pairs;
}

PairSource source_of(int64_t num_images, double validation) {
  PairSource source;
  source.train = pairs_of(num_images);
  source.load_test = [] { return pairs_of(1); };
  source.class_names = {"no", "yes"};
  source.class_types = {"yes/no", "yes/no"};
  source.vocabulary = {"a", "b", "c", "d", "e"};
  source.normalize = {{0.2, 0.4}, {0.5, 0.25}};
  source.validation = validation;
  return source;
}

// Ten images, of which two: six of thirty texts, and no image on both sides.
TEST(PairDataset, ValidationIsCutByImage) {
  const PairDataset set(source_of(10, 0.2));
  EXPECT_EQ(set.size(Split::kTrain), 24);
  EXPECT_EQ(set.size(Split::kValid), 6);
  std::map<Split, std::set<float>> first_pixels;
  for (const Split split : {Split::kTrain, Split::kValid}) {
    const auto batch = set.get(split, torch::arange(set.size(split)));
    for (int64_t b = 0; b < batch.size(); ++b) first_pixels[split].insert(batch.inputs[b].view(-1)[0].item<float>());
  }
  EXPECT_EQ(first_pixels[Split::kTrain].size(), 8U);
  EXPECT_EQ(first_pixels[Split::kValid].size(), 2U);
  for (const float pixel : first_pixels[Split::kValid]) EXPECT_FALSE(first_pixels[Split::kTrain].contains(pixel));
}

// Text 7 is the second about image 2: pixels 20, (20 / 255 - 0.2) / 0.5 and (20 / 255 - 0.4) / 0.25.
TEST(PairDataset, AnExampleIsAnImageWithAText) {
  const PairDataset set(source_of(10, 0));
  const auto batch = set.get(Split::kTrain, torch::tensor({7, 0}));
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{2, 2, 4, 4}));
  EXPECT_NEAR(batch.inputs[0][0][3][1].item<float>(), -0.2431373, 1e-6);
  EXPECT_NEAR(batch.inputs[0][1][0][2].item<float>(), -1.2862745, 1e-6);
  EXPECT_TRUE(torch::equal(batch.text_BS, torch::tensor({{4, 4, 0}, {4, 0, 0}})));
  EXPECT_TRUE(torch::equal(batch.mask_BS, torch::tensor({{true, true, false}, {true, false, false}})));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({1, 0})));
}

TEST(PairDataset, SaysWhatItIs) {
  const PairDataset set(source_of(10, 0.2));
  EXPECT_TRUE(set.shape().is_paired());
  EXPECT_FALSE(set.shape().is_text());
  EXPECT_EQ(set.shape().length, 3);
  EXPECT_EQ(set.shape().vocabulary, 5);
  EXPECT_EQ(set.shape().num_classes, 2);
  EXPECT_EQ(set.size(Split::kTest), 3);
  EXPECT_EQ(set.class_types().front(), "yes/no");
}

TEST(QuestionWords, MarksAreWords) {
  EXPECT_EQ(question_words("What is\nit?", "here"), "what is it ? ");
  EXPECT_EQ(question_words("", "here"), "");
  EXPECT_THROW(question_words("what \xf0", "here"), FormatError);
}

TEST(PairDataset, ValidationMayBeEmpty) { EXPECT_EQ(PairDataset(source_of(3, 0)).size(Split::kValid), 0); }

TEST(PairDataset, PlacesOutsideTheSplitAreRefused) {
  const PairDataset set(source_of(2, 0));
  EXPECT_EQ(fixtures::message_of<ShapeError>([&] { set.get(Split::kTrain, torch::tensor({6})); }),
            "[dataset] index_B: expected 0 .. 5 for the train split, got 6");
}

}  // namespace
}  // namespace heterodyne::pair_set_test
