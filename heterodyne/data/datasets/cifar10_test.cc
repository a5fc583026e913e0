#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cifar10_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;

// One record for each label: the label, then 1,024 times the values 10 * label, 10 * label + 1, 10 * label + 2.
std::string records(const std::string& labels) {
  std::string file;
  for (const char label : labels) {
    file += label;
    for (char channel = 0; channel < 3; ++channel) file += std::string(1024, static_cast<char>(10 * label + channel));
  }
  return file;
}

class Cifar10Test : public ::testing::Test {
 protected:
  std::unique_ptr<Dataset> make(bool allow_partial = false) {
    DataContext context{.folders = {folder_.path()}, .validation = 0, .log = {}};
    context.log.sink = [this](LogLevel, const std::string& line) { notes_.push_back(line); };
    return datasets().make(Member(Table{{"kind", "cifar10"}, {"allow_partial", allow_partial}}), context);
  }
  void put_batches(int count) {
    for (int i = 1; i <= count; ++i) {
      folder_.put("cifar10/data_batch_" + std::to_string(i) + ".bin", records({static_cast<char>(i), 9}));
    }
  }

  TemporaryFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(Cifar10Test, ReadsTheRecordsInOrder) {
  put_batches(5);
  folder_.put("cifar10/test_batch.bin", records("\x07"));
  const auto cifar = make();
  EXPECT_TRUE(torch::equal(cifar->labels(Split::kTrain), torch::tensor({1, 9, 2, 9, 3, 9, 4, 9, 5, 9})));
  const auto batch = cifar->get(Split::kTrain, torch::tensor({2, 1}));
  // Red of an image of class 2: (20 / 255 - 0.4914) / 0.2023; blue of class 9: (92 / 255 - 0.4465) / 0.2010.
  EXPECT_NEAR(batch.inputs[0][0][31][31].item<double>(), -2.0413674, 1e-6);
  EXPECT_NEAR(batch.inputs[1][2][0][0].item<double>(), -0.4264462, 1e-6);
  EXPECT_EQ(cifar->size(Split::kTest), 1);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(Cifar10Test, FewerThanFiveFilesAreAnErrorUnlessAllowed) {
  put_batches(4);
  EXPECT_EQ(message_of<FormatError>([&] { make(); }),
            "[data.cifar10] data_batch_5.bin: not found (also tried .gz, .xz); 40,000 of 50,000 training images "
            "present. To train on them: --set data.allow_partial=true");
  EXPECT_EQ(make(true)->size(Split::kTrain), 8);
  EXPECT_EQ(notes_, std::vector<std::string>{"[data.cifar10] data_batch_5.bin: not found (also tried .gz, .xz); going "
                                             "on with 8 of 50,000 training images"});
}

TEST_F(Cifar10Test, IsFoundInEveryCustomaryFolder) {
  for (const char* place : {"", "cifar10/", "cifar-10-batches-bin/", "cifar10/cifar-10-batches-bin/"}) {
    const TemporaryFolder folder;
    folder.put(std::string(place) + "data_batch_3.bin", records("\x01"));
    const DataContext context{.folders = {folder.path()}, .log = {}};
    EXPECT_NO_THROW(datasets().make(Member(Table{{"kind", "cifar10"}, {"allow_partial", true}}), context)) << place;
  }
}

TEST_F(Cifar10Test, ItsAbsenceIsExplained) {
  const std::string& f = folder_.path();
  EXPECT_EQ(message_of<FormatError>([&] { make(true); }),
            "[data.cifar10] data_batch_1.bin: not found (also tried .gz, .xz) in " + f + ", " + f + "/cifar10, " + f +
                "/cifar-10-batches-bin, " + f +
                "/cifar10/cifar-10-batches-bin. To get it: the binary version from the authors' page (Krizhevsky "
                "2009), unpacked there");
}

TEST_F(Cifar10Test, DamageIsNamedWithItsByte) {
  put_batches(5);
  const auto path = folder_ / "cifar10/data_batch_2.bin";
  folder_.put("cifar10/data_batch_2.bin", records("\x01\x0b"));
  EXPECT_EQ(message_of<FormatError>([&] { make(); }), path + ": byte 3073: label of record 1: expected 0 .. 9, got 11");
  folder_.put("cifar10/data_batch_2.bin", records("\x01\x02").substr(0, 6000));
  EXPECT_EQ(message_of<FormatError>([&] { make(); }),
            path + ": byte 3073: expected whole records of 3,073 bytes, got 6,000 bytes in all");
  folder_.put("cifar10/data_batch_2.bin", "");
  EXPECT_THROW(make(), FormatError);
}

TEST_F(Cifar10Test, ATestFileIsMissedWhenItIsAskedFor) {
  put_batches(5);
  const auto cifar = make();
  EXPECT_EQ(message_of<FormatError>([&] { cifar->size(Split::kTest); }),
            folder_ / "cifar10/test_batch.bin" + ": not found (also tried .gz, .xz)");
}

// Only the first training file is read here: expanding one takes more than a second.
TEST(Cifar10, IsTheWellKnownSet) {
  const auto real = fixtures::find_real_data("cifar10/cifar-10-batches-bin");
  if (!real) GTEST_SKIP() << "skipped: no data";
  const TemporaryFolder folder;
  for (const auto& entry : std::filesystem::directory_iterator(*real)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("data_batch_1.") || name.starts_with("test_batch.")) {
      std::filesystem::create_symlink(entry.path(), folder / name);
    }
  }
  const DataContext context{.folders = {folder.path()}, .validation = 0, .log = {}};
  const auto cifar = datasets().make(Member(Table{{"kind", "cifar10"}, {"allow_partial", true}}), context);
  // The labels at the beginning of the authors' files, and the first image's first pixel: red 59, green 62, blue 63.
  EXPECT_TRUE(
      torch::equal(cifar->labels(Split::kTrain).narrow(0, 0, 10), torch::tensor({6, 9, 9, 4, 1, 1, 2, 7, 8, 3})));
  EXPECT_TRUE(
      torch::equal(cifar->labels(Split::kTest).narrow(0, 0, 10), torch::tensor({3, 8, 8, 0, 6, 6, 1, 6, 3, 1})));
  const auto first = cifar->get(Split::kTrain, torch::tensor({0})).inputs;
  EXPECT_NEAR(first[0][0][0][0].item<double>(), (59 / 255.0 - 0.4914) / 0.2023, 1e-6);
  EXPECT_NEAR(first[0][1][0][0].item<double>(), (62 / 255.0 - 0.4822) / 0.1994, 1e-6);
  EXPECT_NEAR(first[0][2][0][0].item<double>(), (63 / 255.0 - 0.4465) / 0.2010, 1e-6);
  EXPECT_EQ(cifar->class_names().at(6), "frog");
}

}  // namespace
}  // namespace heterodyne::cifar10_test
