#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::mnist_test {
namespace {

TEST(Mnist, IsTheWellKnownSet) {
  const auto folder = fixtures::find_real_data("mnist");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const DataContext context{.folders = {*folder}, .validation = 0, .log = {}};
  const auto mnist = datasets().make(Member(Table{{"kind", "mnist"}}), context);
  EXPECT_EQ(mnist->size(Split::kTrain), 60000);
  EXPECT_EQ(mnist->size(Split::kTest), 10000);
  // The labels at the beginning of LeCun's files.
  EXPECT_TRUE(
      torch::equal(mnist->labels(Split::kTrain).narrow(0, 0, 10), torch::tensor({5, 0, 4, 1, 9, 2, 1, 3, 1, 4})));
  EXPECT_TRUE(
      torch::equal(mnist->labels(Split::kTest).narrow(0, 0, 10), torch::tensor({7, 2, 1, 0, 4, 1, 4, 9, 5, 9})));
  // The customary mean and standard deviation have four digits.
  const auto images = mnist->get(Split::kTrain, torch::arange(60000)).inputs.to(torch::kFloat64);
  EXPECT_NEAR(images.mean().item<double>(), 0, 2e-4);
  EXPECT_NEAR(images.std().item<double>(), 1, 2e-4);
}

TEST(Mnist, ItsAbsenceIsExplained) {
  const DataContext context{.folders = {"/nowhere"}, .log = {}};
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { datasets().make(Member(Table{{"kind", "mnist"}}), context); }),
            "[data.mnist] train-images-idx3-ubyte: not found (also tried .gz, .xz) in /nowhere/mnist. To get it: the "
            "four IDX files of LeCun, Cortes and Burges (train-images-idx3-ubyte.gz and so on), put into a folder "
            "\"mnist\"");
}

TEST(Mnist, NormalizeNeedsOneChannel) {
  const Table config = parse_toml("[data]\nkind = \"mnist\"\nnormalize = { mean = [0.1, 0.2] }\n", "my.toml");
  Member member(*config.find("data")->if_table());
  member.path = "data";
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { datasets().make(member, DataContext{}); }),
            "my.toml:3:13: [data] normalize: mean: expected one number for each of 1 channels, got 2");
}

}  // namespace
}  // namespace heterodyne::mnist_test
