// TarWriter: files and folders into one archive, as POSIX.1-1988 (ustar) has it, optionally compressed by gzip. The
// archive is there whole or not at all: see FileWriter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "heterodyne/io/file.h"

namespace heterodyne::io {

class TarWriter {
 public:
  enum class Compression { kNone, kGzip };
  TarWriter(const std::string& path, Compression compression);
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;
  ~TarWriter();

  /// Names are relative paths with '/'. Throws FormatError for a name that the format cannot hold (255 bytes, at a '/'
  /// between the first 155 and the last 100 at most). `time` in seconds since 1970.
  void add_folder(const std::string& name, int64_t time);
  /// The file as it is now. Throws FormatError when it cannot be read.
  void add_file(const std::string& name, const std::string& path, int64_t time);
  /// Call it once, last. Throws DeviceError.
  void commit();

 private:
  class Gzip;
  struct Entry {
    std::string name;
    char type;
    uint64_t size;
    int64_t time;
  };
  void write(std::string_view bytes);
  void write_header(const Entry& entry);

  FileWriter file_;
  std::unique_ptr<Gzip> gzip_;
};

}  // namespace heterodyne::io
