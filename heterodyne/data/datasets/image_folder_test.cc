#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/data/fixtures.h"

namespace heterodyne::image_folder_test {
namespace {

class ImageFolder : public testing::Test {
 protected:
  std::unique_ptr<Dataset> make(Table settings = {}) const {
    settings.set("kind", "image_folder");
    settings.set("path", "train");
    settings.set("test_path", "val");
    settings.set("classes", Array{"cat", "dog"});
    if (!settings.contains("size")) settings.set("size", 4);
    return datasets().make(Member(settings), DataContext{{folder_.path()}, 0.25, {}, 1});
  }
  fixtures::TemporaryFolder folder_;
};

TEST_F(ImageFolder, ReadsPicturesByClass) {
  fixtures::put_classes(folder_, "train", 8);
  fixtures::put_classes(folder_, "val", 1);
  const auto set = make({{"normalize", Table{{"mean", Array{0, 0, 0}}, {"std", Array{1, 1, 1}}}}});
  EXPECT_EQ(set->size(Split::kTrain), 12);
  EXPECT_EQ(set->size(Split::kValid), 4);
  const auto test = set->get(Split::kTest, torch::arange(2));
  EXPECT_TRUE(torch::equal(test.label_B, torch::tensor({0, 1}, torch::kInt64)));
  EXPECT_NEAR(test.inputs[1][0][3][3].item<double>(), 0x60 / 255.0, 1e-6);
  EXPECT_NEAR(test.inputs[0][2][0][0].item<double>(), 0x50 / 255.0, 1e-6);
  EXPECT_EQ(set->shape().num_classes, 2);
}

TEST_F(ImageFolder, FilesReadWhenABatchNeedsThemGiveTheSameBatches) {
  fixtures::put_classes(folder_, "train", 8);
  fixtures::put_classes(folder_, "val", 1);
  const Table augment{{"resized_crop", 0.5}, {"mixup", 0.4}};
  const auto held = make({{"augment", augment}}), read = make({{"augment", augment}, {"in_memory", false}});
  EXPECT_EQ(read->shape().height, 4);
  EXPECT_TRUE(torch::equal(read->labels(Split::kValid), held->labels(Split::kValid)));
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest}) {
    const auto index_B = torch::arange(held->size(split)).flip(0);
    EXPECT_TRUE(torch::equal(read->get(split, index_B).inputs, held->get(split, index_B).inputs));
  }
  auto expected = held->get(Split::kTrain, torch::arange(6)), got = read->get(Split::kTrain, torch::arange(6));
  held->augment(expected, {1, 0});
  read->augment(got, {1, 0});
  EXPECT_TRUE(torch::equal(got.inputs, expected.inputs));
  EXPECT_TRUE(torch::equal(got.label_B, expected.label_B));
}

TEST_F(ImageFolder, AFileThatIsNoPictureIsNamedWhenItIsNeeded) {
  fixtures::put_classes(folder_, "train", 8);
  folder_.put("train/cat/0.ppm", "no picture");
  EXPECT_THROW(make(), FormatError);
  const auto set = make({{"in_memory", false}});
  const std::string message = fixtures::message_of<FormatError>([&] {
    for (const Split split : {Split::kTrain, Split::kValid}) set->get(split, torch::arange(set->size(split)));
  });
  EXPECT_NE(message.find("train/cat/0.ppm"), std::string::npos) << message;
}

TEST_F(ImageFolder, MayBeChangedAtRandom) {
  fixtures::put_classes(folder_, "train", 4);
  const auto set = make({{"augment", Table{{"resized_crop", 0.08}, {"flip", 0.5}}}});
  auto batch = set->get(Split::kTrain, torch::arange(4));
  const auto before = batch.inputs.clone();
  set->augment(batch, {1, 0});
  EXPECT_FALSE(torch::equal(batch.inputs, before));
  EXPECT_EQ(batch.inputs.sizes(), before.sizes());
}

TEST_F(ImageFolder, AMissingFolderIsNamedWithTheLayout) {
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { make(); }),
            "[data.image_folder] train: no such folder in " + folder_.path() +
                ". Expected is FOLDER/CLASS/PICTURE.jpg: --set data.path=FOLDER");
}

}  // namespace
}  // namespace heterodyne::image_folder_test
