#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::fashion_mnist_test {
namespace {

TEST(FashionMnist, IsTheWellKnownSet) {
  const DataContext context{.folders = {"/usr/share/datasets"}, .validation = 0, .log = {}};
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "skipped: no data";
  const auto fashion = datasets().make(Member(Table{{"kind", "fashion_mnist"}}), context);
  const auto labels = fashion->labels(Split::kTrain);
  // The labels at the beginning of the authors' files; every class is equally frequent.
  EXPECT_TRUE(torch::equal(labels.narrow(0, 0, 10), torch::tensor({9, 0, 0, 3, 0, 2, 7, 2, 5, 5})));
  EXPECT_TRUE(torch::equal(labels.bincount(), torch::full({10}, 6000)));
  EXPECT_TRUE(torch::equal(fashion->labels(Split::kTest).bincount(), torch::full({10}, 1000)));
  EXPECT_EQ(fashion->class_names().at(9), "ankle boot");
  const auto images = fashion->get(Split::kTrain, torch::arange(60000)).inputs.to(torch::kFloat64);
  EXPECT_NEAR(images.mean().item<double>(), 0, 2e-4);
  EXPECT_NEAR(images.std().item<double>(), 1, 2e-4);
}

TEST(FashionMnist, ItsAbsenceIsExplained) {
  const DataContext context{.folders = {"/nowhere"}, .log = {}};
  EXPECT_EQ(
      fixtures::message_of<FormatError>([&] { datasets().make(Member(Table{{"kind", "fashion_mnist"}}), context); }),
      "[data.fashion_mnist] train-images-idx3-ubyte: not found (also tried .gz, .xz) in /nowhere/fashion-mnist, "
      "/nowhere/fashion_mnist. To get it: apt-get install dataset-fashion-mnist");
}

TEST(FashionMnist, DoesNotTakeTheFilesOfMnist) {
  const fixtures::TemporaryFolder folder;
  folder.put("mnist/train-images-idx3-ubyte", "");
  folder.put("train-images-idx3-ubyte", "");
  const DataContext context{.folders = {folder.path(), folder / "mnist"}, .log = {}};
  EXPECT_THROW(datasets().make(Member(Table{{"kind", "fashion_mnist"}}), context), FormatError);
}

}  // namespace
}  // namespace heterodyne::fashion_mnist_test
