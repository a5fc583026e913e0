#include <gtest/gtest.h>

#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/augment.h"
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
  const Table augment{{"crop_padding", 1}, {"mixup", 0.4}};
  const auto held = make({{"augment", augment}}), read = make({{"augment", augment}, {"in_memory", false}});
  EXPECT_EQ(read->shape().height, 4);
  EXPECT_TRUE(torch::equal(read->labels(Split::kValid), held->labels(Split::kValid)));
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest}) {
    const auto index_B = torch::arange(held->size(split)).flip(0);
    EXPECT_TRUE(torch::equal(read->get(split, index_B).inputs, held->get(split, index_B).inputs));
  }
  const auto expected = held->get_augmented(torch::arange(6), {1, 0}),
             got = read->get_augmented(torch::arange(6), {1, 0});
  EXPECT_TRUE(torch::equal(got.inputs, expected.inputs));
  EXPECT_TRUE(torch::equal(got.label_B, expected.label_B));
}

// A ramp of 40 x 60, four greys a step, seen as 6 x 6: a crop's columns are the greys of the places that they cover.
TEST_F(ImageFolder, AResizedCropIsCutFromThePictureInItsFile) {
  std::string ramp = "P6\n60 40\n255\n";
  for (int i = 0; i < 40 * 60; ++i) ramp.append(3, static_cast<char>(4 * (i % 60)));
  for (const std::string name : {"cat/0", "cat/1", "cat/2", "dog/0", "dog/1", "dog/2"})
    folder_.put("train/" + name + ".ppm", ramp);
  fixtures::put_classes(folder_, "val", 1);
  const auto set = make({{"size", 6},
                         {"in_memory", false},
                         {"normalize", Table{{"mean", Array{0, 0, 0}}, {"std", Array{1, 1, 1}}}},
                         {"augment", Table{{"resized_crop", 0.1}}}});
  const auto index_B = torch::arange(set->size(Split::kTrain));
  const auto seen_BCHW = set->get_augmented(index_B, {1, 0}).inputs;
  const ResizedCrops crops(0.1, index_B, {1, 0});
  std::set<int64_t> widths;
  for (int64_t b = 0; b < index_B.size(0); ++b) {
    const Box box = crops.box(b, 40, 60);
    ASSERT_GT(box.area(), 0);
    widths.insert(box.width);
    for (int64_t column = 1; column < 5; ++column) {
      const double share = (static_cast<double>(column) + 0.5) / 6;
      const double place = static_cast<double>(box.left) + share * static_cast<double>(box.width) - 0.5;
      EXPECT_NEAR(seen_BCHW[b][0][3][column].item<double>(), 4 * place / 255, 1.0 / 255) << b << ", " << column;
    }
  }
  EXPECT_GT(widths.size(), 2U) << "another part of each";
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
  const auto before = set->get(Split::kTrain, torch::arange(4)).inputs,
             after = set->get_augmented(torch::arange(4), {1, 0}).inputs;
  EXPECT_FALSE(torch::equal(after, before));
  EXPECT_EQ(after.sizes(), before.sizes());
}

TEST_F(ImageFolder, AMissingFolderIsNamedWithTheLayout) {
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { make(); }),
            "[data.image_folder] train: no such folder in " + folder_.path() +
                ". Expected is FOLDER/CLASS/PICTURE.jpg: --set data.path=FOLDER");
}

}  // namespace
}  // namespace heterodyne::image_folder_test
