#include "heterodyne/model/blocks/image_and_text.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::image_and_text_test {
namespace {

constexpr DataShape kData{.channels = 3, .height = 4, .width = 4, .num_classes = 2, .vocabulary = 5, .length = 2};

TEST(ImageAndText, TheMaskSparesTheImage) {
  Batch batch;
  batch.inputs = torch::zeros({2, 3, 4, 4});
  batch.text_BS = torch::zeros({2, 2}, torch::kInt64);
  EXPECT_FALSE(with_image_tokens("x", kData, batch, 3).mask_BS.defined());
  batch.mask_BS = torch::tensor({{true, true}, {true, false}});
  EXPECT_TRUE(torch::equal(with_image_tokens("x", kData, batch, 3).mask_BS,
                           torch::tensor({{true, true, true, true, true}, {true, true, true, true, false}})));
  batch.text_BS = batch.text_BS.narrow(1, 0, 1);
  EXPECT_NE(
      fixtures::message_of<ShapeError>([&] { with_image_tokens("x", kData, batch, 3); }).find("[model.x] text_BS"),
      std::string::npos);
}

TEST(ImageAndText, OtherDataAreRefused) {
  EXPECT_NO_THROW(check_is_paired("x", kData));
  DataShape image = kData, text = kData;
  image.vocabulary = 0;
  text.height = 0;
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { check_is_paired("x", image); }),
            "[model] kind: expected data of images with texts for \"x\", got images");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { check_is_paired("x", text); }),
            "[model] kind: expected data of images with texts for \"x\", got text");
}

}  // namespace
}  // namespace heterodyne::image_and_text_test
