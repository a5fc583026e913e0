#include "heterodyne/data/image_tree.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/fixtures.h"

namespace heterodyne::image_tree_test {
namespace {

const std::vector<std::string> kClasses = {"dog", "cat"};

class ImageTree : public testing::Test {
 protected:
  std::string in(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string complaint() const {
    return fixtures::message_of<FormatError>([&] { list_classes(in("a"), kClasses); });
  }
  fixtures::TemporaryFolder folder_;
};

TEST_F(ImageTree, ListsClassAfterClassAndNothingElse) {
  fixtures::put_classes(folder_, "a", 2);
  folder_.put("a/cat/notes.txt", "no picture");
  folder_.put("a/cat/2.PPM", fixtures::plain_picture(1, 1, 1, 2, 3, 1));
  std::filesystem::create_directory(in("a/.hidden"));
  const auto found = list_classes(in("a"), kClasses);
  EXPECT_EQ(found.labels, (std::vector<int64_t>{0, 0, 1, 1, 1}));
  EXPECT_EQ(found.paths[0], in("a/dog/0.ppm"));
  EXPECT_EQ(found.paths[4], in("a/cat/2.PPM"));
  EXPECT_EQ(folders_in(in("a")), (std::vector<std::string>{"cat", "dog"}));
}

TEST_F(ImageTree, SaysWhatIsMissingOrTooMuch) {
  EXPECT_NE(complaint().find("cannot be listed"), std::string::npos);
  folder_.put("a/dog/0.ppm", "");
  EXPECT_EQ(complaint(), in("a") + ": expected a folder for each of the classes dog, cat, got none for \"cat\"");
  folder_.put("a/cat/readme", "");
  EXPECT_EQ(complaint(), in("a/cat") + ": expected pictures (.jpg, .jpeg, .png, .bmp, .gif, .ppm, .pgm), got none");
  folder_.put("a/cow/0.ppm", "");
  EXPECT_EQ(complaint(), in("a") + ": expected folders of the classes dog, cat, got another, \"cow\"");
  EXPECT_EQ(
      fixtures::message_of<FormatError>([&] { list_classes(in("a/dog"), kClasses); }),
      in("a/dog") + ": expected a folder with pictures for each class, got pictures. Is it the folder of one class?");
}

TEST_F(ImageTree, LooksInTheFoldersWithData) {
  fixtures::put_classes(folder_, "a", 1);
  const DataContext context{{"/nowhere", folder_.path()}, 0, {}, 1};
  EXPECT_EQ(find_image_root(context, "a", "data.x", "Hint"), in("a"));
  EXPECT_EQ(find_image_root(context, in("a"), "data.x", "Hint"), in("a"));
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { find_image_root(context, "b", "data.x", "Hint"); }),
            "[data.x] b: no such folder in /nowhere, " + folder_.path() + ". Hint");
}

// Two columns of 10 and two of 30: squashed to one column of two it is their means, cropped its middle.
TEST(Squared, SquashesOrCrops) {
  const auto row = torch::tensor({10, 10, 30, 30}, torch::kUInt8);
  const auto image_CHW = row.expand({1, 2, 4});
  EXPECT_TRUE(torch::equal(squared(image_CHW, {2, "crop"}), torch::tensor({10, 30}, torch::kUInt8).expand({3, 2, 2})));
  const auto small = squared(image_CHW, {1, "squash"});
  EXPECT_EQ(small.sizes(), (std::vector<int64_t>{3, 1, 1}));
  EXPECT_EQ(small[2][0][0].item<int64_t>(), 20) << "every pixel counts";
  EXPECT_TRUE(
      torch::equal(squared(image_CHW.narrow(2, 0, 2), {2, "squash"}), torch::full({3, 2, 2}, 10, torch::kUInt8)));
}

TEST_F(ImageTree, PicturesOfAllSizesBecomeOne) {
  folder_.put("a/dog/0.ppm", fixtures::plain_picture(3, 5, 7, 8, 9, 7));
  folder_.put("a/cat/0.ppm", fixtures::plain_picture(2, 2, 1, 2, 3, 1));
  const auto set = read_pictures(list_classes(in("a"), kClasses), {2, "squash"});
  EXPECT_EQ(set.size(), 2);
  EXPECT_TRUE(
      torch::equal(set.pixel_NCHW[0], torch::tensor({7, 8, 9}, torch::kUInt8).view({3, 1, 1}).expand({3, 2, 2})));
  EXPECT_TRUE(torch::equal(set.label_N, torch::tensor({0, 1}, torch::kInt64)));
  folder_.put("a/cat/1.jpg", "no picture");
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              read_pictures(list_classes(in("a"), kClasses), {2, "squash"});
            }).find(in("a/cat/1.jpg")),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::image_tree_test
