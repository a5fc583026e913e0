#include "cli/data_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/image_files.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/sha256.h"

namespace heterodyne::cli::data_folder_test {
namespace {

namespace fs = std::filesystem;

struct DataFolder : testing::Test {
  fixtures::TemporaryFolder folder;
  const SourceFiles& mnist = *datasets().find("mnist").files;

  void put_mnist(const std::string& below) const {
    for (const auto& file : synthetic_image_files("mnist", 20, 10, 0)) folder.put(below + "/" + file.name, file.bytes);
  }
};

TEST_F(DataFolder, FilesAreFoundUnderFoldersAndWithADotInTheName) {
  folder.put("a/b/train-images.idx3-ubyte", "x");
  folder.put("a/t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte", "x");
  const auto found = find_files(folder.path(), mnist);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(*found[0].path, folder / "a/b/train-images.idx3-ubyte");
  EXPECT_FALSE(found[1].path);
  EXPECT_FALSE(found[2].path);
  EXPECT_EQ(*found[3].path, folder / "a/t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte");
}

TEST_F(DataFolder, AWholeFileIsBetterThanADamagedOneNearerToTheTop) {
  folder.put("train-images-idx3-ubyte.gz", "no gzip");
  EXPECT_FALSE(find_files(folder.path(), mnist)[0].damage.empty());
  folder.put("below/train-images-idx3-ubyte", "x");
  const auto found = find_files(folder.path(), mnist)[0];
  EXPECT_EQ(*found.path, folder / "below/train-images-idx3-ubyte");
  EXPECT_EQ(found.damage, "");
}

TEST_F(DataFolder, WhatIsPreparedIsReadAndListedInItsManifest) {
  put_mnist("in");
  const std::string made = prepare_folder({"mnist", find_files(folder / "in", mnist), folder / "out", false}, {});
  EXPECT_EQ(made, folder / "out/mnist");
  const auto manifest = io::parse_json_table(io::read_file(made + "/manifest.json"), "manifest.json");
  EXPECT_EQ(manifest.find("train")->if_integer() ? *manifest.find("train")->if_integer() : 0, 20);
  EXPECT_EQ(manifest.find("test")->if_integer() ? *manifest.find("test")->if_integer() : 0, 10);
  const Table& labels = *manifest.find("files")->if_array()->at(1).if_table();
  EXPECT_EQ(*labels.find("name"), Value("train-labels-idx1-ubyte"));
  EXPECT_EQ(*labels.find("bytes"), Value(8 + 20));
  EXPECT_EQ(*labels.find("sha256"), Value(io::sha256_of_file(folder / "in/train-labels-idx1-ubyte")));
}

TEST_F(DataFolder, FilesThatTheSetRefusesLeaveNothing) {
  put_mnist("in");
  folder.put("in/train-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\1\0", 9));  // one label for 20 images
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              prepare_folder({"mnist", find_files(folder / "in", mnist), folder / "out", false}, {});
            }).find("expected 20 labels"),
            std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder / "out"));
}

TEST_F(DataFolder, AnExistingFolderIsLeftAlone) {
  put_mnist("in");
  folder.put("out/mnist/mine", "x");
  EXPECT_NE(fixtures::message_of<ConfigError>([&] {
              prepare_folder({"mnist", find_files(folder / "in", mnist), folder / "out", false}, {});
            }).find("exists already"),
            std::string::npos);
}

TEST_F(DataFolder, LinksShareTheirFilesWithTheSource) {
  put_mnist("in");
  prepare_folder({"mnist", find_files(folder / "in", mnist), folder / "out", true}, {});
  EXPECT_EQ(fs::hard_link_count(folder / "in/train-images-idx3-ubyte"), 2U);
}

TEST(LenientSettings, AllowWhatTheSetAllows) {
  EXPECT_EQ(lenient_settings("cifar10"), (Table{{"allow_partial", true}}));
  EXPECT_TRUE(lenient_settings("mnist").empty());
}

}  // namespace
}  // namespace heterodyne::cli::data_folder_test
