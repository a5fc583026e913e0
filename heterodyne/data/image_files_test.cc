#include "heterodyne/data/image_files.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::image_files_test {
namespace {

class ImageFiles : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, ImageFiles, testing::Values("mnist", "fashion_mnist", "cifar10"),
                         [](const auto& test) { return test.param; });

TEST_P(ImageFiles, AreReadBackByTheSetWhoseFilesTheyAre) {
  const fixtures::TemporaryFolder folder;
  for (const auto& file : synthetic_image_files(GetParam(), 23, 12, 0))
    folder.put(datasets().find(GetParam()).files->folders.back() + "/" + file.name, file.bytes);
  const auto set = datasets().find(GetParam()).make({}, {}, {{folder.path()}, 0, {}});
  EXPECT_EQ(set->size(Split::kTrain), 23);
  EXPECT_EQ(set->size(Split::kTest), 12);
  // The synthetic set deals out its classes in turn.
  EXPECT_TRUE(set->labels(Split::kTrain).equal(torch::arange(23).remainder(10)));
}

TEST_P(ImageFiles, DependOnTheSeedAndOnNothingElse) {
  const auto bytes = [&](int64_t seed) { return synthetic_image_files(GetParam(), 10, 10, seed).at(0).bytes; };
  EXPECT_EQ(bytes(3), bytes(3));
  EXPECT_NE(bytes(3), bytes(4));
}

TEST_P(ImageFiles, HoldThePixelsOfTheSyntheticSet) {
  // What is written is v = round(255 x) of the drawn x, so that reading gives the same v / 255.
  const fixtures::TemporaryFolder folder;
  for (const auto& file : synthetic_image_files(GetParam(), 10, 10, 7))
    folder.put(datasets().find(GetParam()).files->folders.back() + "/" + file.name, file.bytes);
  const auto set = datasets().find(GetParam()).make({}, {}, {{folder.path()}, 0, {}});
  const auto shape = set->shape();
  const auto drawn =
      datasets()
          .find("synthetic")
          .make({{"examples", 10}, {"channels", shape.channels}, {"size", shape.height}, {"data_seed", 7}}, {},
                {{}, 0, {}});
  const auto all = torch::arange(10);
  const auto read = set->get(Split::kTrain, all).inputs, made = drawn->get(Split::kTrain, all).inputs;
  // Each channel is normalized by numbers of its own, which keep the order: equal ranks are equal pixels.
  EXPECT_TRUE(read[0][0].flatten().argmax().equal(made[0][0].flatten().argmax()));
  EXPECT_GT(torch::corrcoef(torch::stack({read[3][0].flatten(), made[3][0].flatten()}))[0][1].item<double>(), 0.99999);
}

TEST(ImageFilesRefuse, WhatCannotBeWritten) {
  EXPECT_THROW(synthetic_image_files("synthetic", 10, 10, 0), ConfigError);
  EXPECT_THROW(synthetic_image_files("mnist", 0, 10, 0), ConfigError);
  EXPECT_THROW(synthetic_image_files("mnist", 10, 10, -1), ConfigError);
  EXPECT_THROW(synthetic_image_files("cifar10", 4, 10, 0), ConfigError);
  EXPECT_THROW(synthetic_image_files("nothing", 10, 10, 0), ConfigError);
}

}  // namespace
}  // namespace heterodyne::image_files_test
