#include "cli/view/picture.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::picture_test {
namespace {

using Lines = std::vector<std::string>;

TEST(Picture, ACharacterIsTheMeanOfTwoPixelsAboveOneAnother) {
  // Columns: 0 and 0; 0 and 2, mean 1; 2 and 2. Of 0 .. 2 that is blank, half, full.
  const auto image = torch::tensor({0.F, 0.F, 2.F, 0.F, 2.F, 2.F}).view({1, 2, 3});
  EXPECT_EQ(picture_lines(image, 80), (Lines{" \u2592\u2588"}));
}

TEST(Picture, IsAsWideAsItMayBeAndKeepsItsProportions) {
  const auto lines = picture_lines(torch::rand({3, 32, 32}), 16);
  EXPECT_EQ(lines.size(), 8U);
  EXPECT_EQ(picture_lines(torch::rand({1, 28, 28}), 80).size(), 14U);
}

TEST(Picture, AnEvenImageIsBlank) { EXPECT_EQ(picture_lines(torch::ones({1, 4, 4}), 80), (Lines{"    ", "    "})); }

TEST(Picture, OnePixelIsAPicture) { EXPECT_EQ(picture_lines(torch::ones({1, 1, 1}), 80), (Lines{" "})); }

}  // namespace
}  // namespace heterodyne::cli::picture_test
