// File: whole files, folders and locks. What cannot be read is a FormatError, what cannot be written a DeviceError;
// both name the path and the system's reason.
//
// A file written here is either the old one or the new one, whole, whenever the machine stops: the bytes go to a
// temporary name beside it, to the disk, and only then to the name that was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heterodyne::io {

namespace internal {

/// An open file of the operating system; closed with its owner. Negative means none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int number() const { return number_; }
  /// Gives the number away.
  int release();

 private:
  int number_;
};

}  // namespace internal

/// The bytes of the file. Throws FormatError: "PATH: cannot be read: No such file or directory".
std::string read_file(const std::string& path);

/// Replaces the file, or makes it. Throws DeviceError and leaves nothing of its own behind when the disk refuses.
void write_file(const std::string& path, std::string_view bytes);

/// Names in the folder, sorted by byte. Throws FormatError.
std::vector<std::string> list_folder(const std::string& path);

/// Makes new, renamed and removed names in the folder last. Throws DeviceError.
void sync_folder(const std::string& path);

/// Bytes that may still be written to the disk that holds `path`. Throws DeviceError.
uint64_t free_bytes(const std::string& path);

/// Writes a file piece by piece, as write_file() does. Unless commit() is reached, nothing changes at `path`.
class FileWriter {
 public:
  explicit FileWriter(std::string path);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  void write(std::string_view bytes);
  /// Brings the bytes to the disk and gives them their name. Call it once, last.
  void commit();

 private:
  std::string path_;
  std::string temporary_path_;  // empty once committed
  internal::Descriptor file_;
};

/// A file that grows piece by piece, such as metrics.jsonl. A piece that it has taken survives the death of this
/// process, though not that of the machine.
class AppendFile {
 public:
  /// Opens the file, or makes an empty one. Throws DeviceError.
  explicit AppendFile(std::string path);

  /// Writes the bytes at the end. Throws DeviceError; of bytes that the disk did not take whole nothing stays.
  void append(std::string_view bytes);
  /// Writes `line`, which has no line end of its own, and a line end, as append() does.
  void append_line(std::string_view line);

 private:
  std::string path_;
  internal::Descriptor file_;
};

/// Keeps a folder to one process: holds the lock of the file `.lock` in it, which names the holder. The kernel
/// releases it when the process ends, however it ends; the file itself stays.
class FolderLock {
 public:
  /// Throws DeviceError at once when another FolderLock holds the folder: "runs/a: in use by process 4711".
  explicit FolderLock(const std::string& folder);
  /// Whether a FolderLock holds the folder. Changes nothing there; false when it cannot be known.
  static bool is_held(const std::string& folder);

  FolderLock(FolderLock&&) noexcept = default;
  FolderLock& operator=(FolderLock&&) noexcept = default;

 private:
  internal::Descriptor file_;
};

}  // namespace heterodyne::io
