#include "heterodyne/data/source_folder.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::source_folder_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;

DataContext context_of(std::vector<std::string> folders) { return {.folders = std::move(folders), .log = {}}; }

const FolderSearch kSearch{"mnist", {"mnist", "digits"}, {"train", "more"}, "ask"};

TEST(SourceFolder, IsTheFirstThatHoldsAFile) {
  const TemporaryFolder folder;
  folder.put("a/digits/more.gz", "");
  folder.put("b/mnist/train", "");
  EXPECT_EQ(find_source_folder(context_of({folder / "a", folder / "b"}), kSearch), folder / "a/digits");
  EXPECT_EQ(find_source_folder(context_of({folder / "none", folder / "b"}), kSearch), folder / "b/mnist");
  folder.put("a/mnist/train.xz", "");
  EXPECT_EQ(find_source_folder(context_of({folder / "a"}), kSearch), folder / "a/mnist");
}

TEST(SourceFolder, MayBeNamedItself) {
  const TemporaryFolder folder;
  folder.put("mnist/train", "");
  EXPECT_EQ(find_source_folder(context_of({folder / "mnist"}), kSearch), folder / "mnist");
  EXPECT_EQ(find_source_folder(context_of({folder / "mnist/"}), kSearch), folder / "mnist/");
}

TEST(SourceFolder, OfAnotherNameIsLeftAlone) {
  const TemporaryFolder folder;
  folder.put("fashion-mnist/train", "");
  EXPECT_THROW(find_source_folder(context_of({folder / "fashion-mnist"}), kSearch), FormatError);
  FolderSearch any = kSearch;
  any.names = {"", "mnist"};
  EXPECT_EQ(find_source_folder(context_of({folder / "fashion-mnist"}), any), folder / "fashion-mnist");
}

TEST(SourceFolder, ANoteSaysWhereItLookedAndHowToGetIt) {
  EXPECT_EQ(message_of<FormatError>([] { find_source_folder(context_of({"/n/a", "/n/mnist"}), kSearch); }),
            "[data.mnist] train: not found (also tried .gz, .xz) in /n/a/mnist, /n/a/digits, /n/mnist, /n/mnist/mnist, "
            "/n/mnist/digits. To get it: ask");
  EXPECT_EQ(message_of<FormatError>([] { find_source_folder(context_of({}), kSearch); }),
            "[data.mnist] train: not found (also tried .gz, .xz) in any folder, none was named. To get it: ask");
}

TEST(SourceFile, IsFoundInTheFirstFolderThatHasIt) {
  const TemporaryFolder folder;
  folder.put("a/other", "");
  folder.put("b/sub/t.txt", "of b");
  folder.put("c/sub/t.txt", "of c");
  const auto context = context_of({folder / "a", folder / "b", folder / "c"});
  EXPECT_EQ(read_source_file(context, "sub/t.txt", "data.x", ""), "of b");
  EXPECT_EQ(read_source_file(context, folder / "c/sub/t.txt", "data.x", ""), "of c");
  EXPECT_EQ(message_of<FormatError>([] { read_source_file(context_of({"/n/a"}), "t.txt", "data.x", "Ask."); }),
            "[data.x] t.txt: not found (also tried .gz, .xz) in /n/a. Ask.");
}

}  // namespace
}  // namespace heterodyne::source_folder_test
