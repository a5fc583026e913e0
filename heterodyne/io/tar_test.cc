#include "heterodyne/io/tar.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::tar_test {
namespace {

using fixtures::TemporaryFolder;
using Compression = TarWriter::Compression;

class TarTest : public testing::Test {
 protected:
  std::string archive(Compression compression, const std::string& name, std::string_view bytes) const {
    TarWriter writer(folder_ / "x.tar", compression);
    writer.add_file(name, folder_.put("file", bytes), 1);
    writer.commit();
    return folder_ / "x.tar";
  }
  // Where POSIX.1-1988 places the fields of a header.
  static std::string field(const std::string& tar, size_t at, size_t size) {
    const std::string bytes = tar.substr(at, size);
    return bytes.substr(0, bytes.find('\0'));
  }

  TemporaryFolder folder_;
};

TEST_F(TarTest, AFileIsAHeaderItsBytesAndZeros) {
  const std::string tar = read_file(archive(Compression::kNone, "run/state", "done\n"));
  ASSERT_EQ(tar.size(), 4 * 512U);
  EXPECT_EQ(field(tar, 0, 100), "run/state");
  EXPECT_EQ(field(tar, 100, 8), "0000644");
  EXPECT_EQ(field(tar, 124, 12), "00000000005");
  EXPECT_EQ(field(tar, 136, 12), "00000000001");
  EXPECT_EQ(tar[156], '0');
  EXPECT_EQ(tar.substr(257, 8), std::string("ustar\0"
                                            "00",
                                            8));
  unsigned sum = 8 * ' ';  // of the header's bytes, the sum itself taken as blanks
  for (size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? 0U : static_cast<unsigned char>(tar[i]);
  EXPECT_EQ(std::stoul(field(tar, 148, 8), nullptr, 8), sum);
  EXPECT_EQ(tar.substr(512, 5), "done\n");
  EXPECT_EQ(tar.substr(517), std::string(tar.size() - 517, '\0'));
}

TEST_F(TarTest, FoldersEndInASlash) {
  TarWriter writer(folder_ / "x.tar", Compression::kNone);
  writer.add_folder("run", 0);
  writer.commit();
  const std::string tar = read_file(folder_ / "x.tar");
  EXPECT_EQ(field(tar, 0, 100), "run/");
  EXPECT_EQ(tar[156], '5');
}

TEST_F(TarTest, LongNamesAreCutAtAFolder) {
  const std::string prefix(150, 'p'), name(100, 'n');
  const std::string tar = read_file(archive(Compression::kNone, prefix + "/" + name, ""));
  EXPECT_EQ(tar.substr(0, 100), name);
  EXPECT_EQ(field(tar, 345, 155), prefix);
  EXPECT_THROW(archive(Compression::kNone, name + "x", ""), FormatError);
  EXPECT_THROW(archive(Compression::kNone, std::string(156, 'p') + "/" + name, ""), FormatError);
}

TEST_F(TarTest, CompressedItIsTheSame) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i * 7919);
  const std::string plain = read_file(archive(Compression::kNone, "a", bytes));
  const std::string path = archive(Compression::kGzip, "a", bytes);
  EXPECT_LT(read_file(path).size(), plain.size());
  std::filesystem::rename(path, folder_ / "x.gz");
  EXPECT_EQ(read_maybe_compressed(folder_ / "x.gz"), plain);
}

TEST_F(TarTest, WithoutCommitThereIsNoArchive) {
  TarWriter(folder_ / "x.tar", Compression::kGzip).add_folder("run", 0);
  EXPECT_TRUE(list_folder(folder_.path()).empty());
}

}  // namespace
}  // namespace heterodyne::io::tar_test
