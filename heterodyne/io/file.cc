#include "heterodyne/io/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

using internal::Descriptor;

std::string reason(int error) { return std::system_category().message(error); }

FormatError cannot_be_read(const std::string& path, int error) {
  return FormatError::in_file(path, "cannot be read: " + reason(error));
}

DeviceError cannot_be_written(const std::string& path, int error) {
  return DeviceError(path + ": cannot be written: " + reason(error));
}

// Calls the operating system again as long as a signal interrupts it.
template <class Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Descriptor open_file(const std::string& path, int flags) {
  return Descriptor(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); }));
}

// 0, or the error that stopped it.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = uninterrupted([&] { return ::write(file, bytes.data(), bytes.size()); });
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

std::string folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

internal::Descriptor::Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}

internal::Descriptor& internal::Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

internal::Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

int internal::Descriptor::release() { return std::exchange(number_, -1); }

std::string read_file(const std::string& path) {
  const Descriptor file = open_file(path, O_RDONLY);
  if (file.number() < 0) throw cannot_be_read(path, errno);
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) throw cannot_be_read(path, errno);
  // A pipe has no size and a file may grow meanwhile: one byte more than expected shows whether there is more.
  std::string bytes(static_cast<size_t>(std::max<off_t>(status.st_size, 0)) + 1, '\0');
  for (size_t filled = 0;;) {
    const ssize_t taken =
        uninterrupted([&] { return ::read(file.number(), bytes.data() + filled, bytes.size() - filled); });
    if (taken < 0) throw cannot_be_read(path, errno);
    filled += static_cast<size_t>(taken);
    if (taken == 0) {
      bytes.resize(filled);
      return bytes;
    }
    if (filled == bytes.size()) bytes.resize(2 * bytes.size());
  }
}

void write_file(const std::string& path, std::string_view bytes) {
  FileWriter file(path);
  file.write(bytes);
  file.commit();
}

std::vector<std::string> list_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  std::vector<std::string> names;
  while (!error && entry != std::filesystem::directory_iterator()) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) throw cannot_be_read(path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

void sync_folder(const std::string& path) {
  const Descriptor folder = open_file(path, O_RDONLY | O_DIRECTORY);
  if (folder.number() < 0) throw cannot_be_written(path, errno);
  const int failed = uninterrupted([&] { return ::fsync(folder.number()); });
  // Some network disks cannot do this for a folder and say so; there is nothing more to be done then.
  if (failed != 0 && errno != EINVAL && errno != ENOTSUP) throw cannot_be_written(path, errno);
}

uint64_t free_bytes(const std::string& path) {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0) throw DeviceError(path + ": free space is not known: " + reason(errno));
  return uint64_t{status.f_bavail} * uint64_t{status.f_frsize};
}

FileWriter::FileWriter(std::string path) : path_(std::move(path)), file_(-1) {
  const std::string stem = path_ + ".tmp-" + std::to_string(::getpid()) + "-";
  for (int number = 0; file_.number() < 0; ++number) {
    temporary_path_ = stem + std::to_string(number);
    file_ = open_file(temporary_path_, O_WRONLY | O_CREAT | O_EXCL);
    if (file_.number() < 0 && errno != EEXIST) {
      const int error = errno;
      temporary_path_.clear();
      throw cannot_be_written(path_, error);
    }
  }
}

FileWriter::~FileWriter() {
  if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
}

void FileWriter::write(std::string_view bytes) {
  if (const int error = write_all(file_.number(), bytes); error != 0) throw cannot_be_written(path_, error);
}

void FileWriter::commit() {
  if (uninterrupted([&] { return ::fsync(file_.number()); }) != 0) throw cannot_be_written(path_, errno);
  // Some disks report a failed write only now. The number is gone either way, so this is not tried twice.
  if (::close(file_.release()) != 0 && errno != EINTR) throw cannot_be_written(path_, errno);
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) throw cannot_be_written(path_, errno);
  temporary_path_.clear();
  sync_folder(folder_of(path_));
}

AppendFile::AppendFile(std::string path)
    : path_(std::move(path)), file_(open_file(path_, O_WRONLY | O_CREAT | O_APPEND)) {
  if (file_.number() < 0) throw cannot_be_written(path_, errno);
}

void AppendFile::append_line(std::string_view line) {
  HETERODYNE_DCHECK(line.find('\n') == std::string_view::npos);
  append(std::string(line) + "\n");
}

void AppendFile::append(std::string_view bytes) {
  const off_t before = ::lseek(file_.number(), 0, SEEK_END);
  const int error = write_all(file_.number(), bytes);
  if (error == 0) return;
  // What was written of them is taken back; where that is impossible, the first error is the one to tell.
  if (before >= 0) static_cast<void>(::ftruncate(file_.number(), before) == 0);
  throw cannot_be_written(path_, error);
}

FolderLock::FolderLock(const std::string& folder) : file_(open_file(folder + "/.lock", O_RDWR | O_CREAT)) {
  const std::string path = folder + "/.lock";
  if (file_.number() < 0) throw cannot_be_written(path, errno);
  if (uninterrupted([&] { return ::flock(file_.number(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) throw DeviceError(path + ": cannot be locked: " + reason(errno));
    std::array<char, 24> holder{};
    const ssize_t length = ::pread(file_.number(), holder.data(), holder.size() - 1, 0);
    throw DeviceError(folder + ": in use by " +
                      (length > 0 ? "process " + std::string(holder.data()) : "another process"));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(file_.number(), 0) != 0) throw cannot_be_written(path, errno);
  if (const int error = write_all(file_.number(), pid); error != 0) throw cannot_be_written(path, error);
}

bool FolderLock::is_held(const std::string& folder) {
  const Descriptor file = open_file(folder + "/.lock", O_RDONLY);
  if (file.number() < 0) return false;
  // A shared lock, given back at once: those who ask do not get into each other's way.
  return uninterrupted([&] { return ::flock(file.number(), LOCK_SH | LOCK_NB); }) != 0 && errno == EWOULDBLOCK;
}

}  // namespace heterodyne::io
