#include "heterodyne/io/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::file_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;

// No file of this process may become larger while this lives: the kernel then answers EFBIG in the middle of a write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_{};
  void (*before_handler_)(int);
};

TEST(File, WrittenBytesReadBack) {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\r\n\xff", 6);
  write_file(folder / "f", bytes);
  EXPECT_EQ(read_file(folder / "f"), bytes);
  write_file(folder / "f", "");
  EXPECT_EQ(read_file(folder / "f"), "");
  EXPECT_EQ(list_folder(folder.path()), std::vector<std::string>{"f"}) << "no temporary file stays";
}

TEST(File, ReadsWhatHasNoSize) { EXPECT_NE(read_file("/proc/self/status").find("Pid:"), std::string::npos); }

TEST(File, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(message_of<FormatError>([] { read_file("/nowhere/f"); }),
            "/nowhere/f: cannot be read: No such file or directory");
  EXPECT_EQ(message_of<FormatError>([] { read_file("/tmp"); }), "/tmp: cannot be read: Is a directory");
  EXPECT_EQ(message_of<FormatError>([] { list_folder("/nowhere"); }),
            "/nowhere: cannot be read: No such file or directory");
}

TEST(File, WhatCannotBeWrittenIsNamed) {
  EXPECT_EQ(message_of<DeviceError>([] { write_file("/nowhere/f", "a"); }),
            "/nowhere/f: cannot be written: No such file or directory");
  EXPECT_EQ(message_of<DeviceError>([] { sync_folder("/nowhere"); }),
            "/nowhere: cannot be written: No such file or directory");
  EXPECT_EQ(message_of<DeviceError>([] { free_bytes("/nowhere"); }),
            "/nowhere: free space is not known: No such file or directory");
}

TEST(File, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  write_file(folder / "f", "old");
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = message_of<DeviceError>([&] { write_file(folder / "f", std::string(10000, 'x')); });
  }
  EXPECT_EQ(message, folder / "f" + ": cannot be written: File too large");
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(list_folder(folder.path()), std::vector<std::string>{"f"});
}

TEST(File, AFailedRenameLeavesNothing) {
  const TemporaryFolder folder;
  folder.put("f/inner", "");
  EXPECT_EQ(message_of<DeviceError>([&] { write_file(folder / "f", "x"); }),
            folder / "f" + ": cannot be written: Is a directory");
  EXPECT_EQ(list_folder(folder.path()), std::vector<std::string>{"f"});
}

TEST(FileWriter, ChangesNothingUnlessCommitted) {
  const TemporaryFolder folder;
  write_file(folder / "f", "old");
  {
    FileWriter writer(folder / "f");
    writer.write("new");
    EXPECT_EQ(read_file(folder / "f"), "old");
  }
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(list_folder(folder.path()), std::vector<std::string>{"f"});
  FileWriter writer(folder / "f");
  writer.write("new ");
  writer.write("bytes");
  writer.commit();
  EXPECT_EQ(read_file(folder / "f"), "new bytes");
}

TEST(FileWriter, TwoForOnePathDoNotMeet) {
  const TemporaryFolder folder;
  FileWriter first(folder / "f");
  FileWriter second(folder / "f");
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(read_file(folder / "f"), "first");
}

TEST(File, ListsNamesInOrder) {
  const TemporaryFolder folder;
  for (const char* name : {"b", "a10", "a9", ".hidden"}) folder.put(name, "");
  EXPECT_EQ(list_folder(folder.path()), (std::vector<std::string>{".hidden", "a10", "a9", "b"}));
}

TEST(File, KnowsTheFreeSpace) {
  const TemporaryFolder folder;
  EXPECT_GT(free_bytes(folder.path()), 0U);
  sync_folder(folder.path());
}

TEST(AppendFile, AddsToWhatIsThere) {
  const TemporaryFolder folder;
  AppendFile(folder / "f").append_line("one");
  AppendFile file(folder / "f");
  file.append_line("two");
  file.append_line("");
  EXPECT_EQ(read_file(folder / "f"), "one\ntwo\n\n");
}

TEST(AppendFile, AFullDiskIsNamed) {
  AppendFile full("/dev/full");
  EXPECT_EQ(message_of<DeviceError>([&] { full.append_line("x"); }),
            "/dev/full: cannot be written: No space left on device");
  EXPECT_THROW(AppendFile("/nowhere/f"), DeviceError);
}

TEST(AppendFile, TakesBackALineThatDidNotFit) {
  const TemporaryFolder folder;
  AppendFile file(folder / "f");
  file.append_line("whole");
  {
    const FileSizeLimit limit(10);
    EXPECT_THROW(file.append_line("this one is too long"), DeviceError);
  }
  EXPECT_EQ(read_file(folder / "f"), "whole\n");
  file.append_line("next");
  EXPECT_EQ(read_file(folder / "f"), "whole\nnext\n");
}

TEST(FolderLock, SaysWhetherItIsHeldAndChangesNothing) {
  const TemporaryFolder folder;
  EXPECT_FALSE(FolderLock::is_held(folder.path()));
  EXPECT_TRUE(list_folder(folder.path()).empty());
  {
    const FolderLock lock(folder.path());
    EXPECT_TRUE(FolderLock::is_held(folder.path()));
  }
  EXPECT_FALSE(FolderLock::is_held(folder.path()));
  EXPECT_FALSE(FolderLock::is_held("/nowhere"));
}

TEST(FolderLock, KeepsASecondOneOut) {
  const TemporaryFolder folder;
  std::optional<FolderLock> first(folder.path());
  EXPECT_EQ(message_of<DeviceError>([&] { FolderLock second(folder.path()); }),
            folder.path() + ": in use by process " + std::to_string(::getpid()));
  first.reset();
  FolderLock third(folder.path());
  FolderLock moved(std::move(third));
  EXPECT_THROW(FolderLock fourth(folder.path()), DeviceError);
  EXPECT_EQ(message_of<DeviceError>([] { FolderLock nowhere("/nowhere"); }),
            "/nowhere/.lock: cannot be written: No such file or directory");
}

TEST(FolderLock, EndsWithItsProcess) {
  const TemporaryFolder folder;
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    if (::write(pipe_ends[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char ready = 0;
  ASSERT_EQ(::read(pipe_ends[0], &ready, 1), 1);
  EXPECT_EQ(message_of<DeviceError>([&] { FolderLock lock(folder.path()); }),
            folder.path() + ": in use by process " + std::to_string(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FolderLock lock(folder.path()));
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace heterodyne::io::file_test
