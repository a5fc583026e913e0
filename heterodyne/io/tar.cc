#include "heterodyne/io/tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>
#include <system_error>
#include <vector>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

constexpr size_t kBlock = 512, kPiece = 1 << 18;
constexpr size_t kNameBytes = 100, kPrefixBytes = 155;
constexpr uint64_t kMaxOctal = 077777777777;  // eleven digits

using Header = std::array<char, kBlock>;

void put(Header& header, size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
}

// A number as octal digits and a zero byte; a size beyond eleven digits in base 256, as GNU tar has it.
void put_number(Header& header, size_t at, size_t width, uint64_t number) {
  if (number > kMaxOctal) {
    for (size_t i = width; i-- > 1; number >>= 8) header[at + i] = static_cast<char>(number & 0xFF);
    header[at] = static_cast<char>(0x80);
    return;
  }
  for (size_t i = width - 1; i-- > 0; number >>= 3) header[at + i] = static_cast<char>('0' + (number & 7));
}

// Where the name is cut into prefix and name: 0 when it need not be.
size_t cut_of(const std::string& name) {
  if (name.size() <= kNameBytes) return 0;
  const size_t cut = name.find('/', name.size() - kNameBytes - 1);
  if (cut == std::string::npos || cut > kPrefixBytes || cut + 1 == name.size())
    throw FormatError(name + ": the name is too long for a tar archive");
  return cut;
}

}  // namespace

// Bytes in, a gzip file out.
class TarWriter::Gzip {
 public:
  Gzip() : buffer_(kPiece) {
    constexpr int kGzipWindow = 15 + 16, kMemory = 8;
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw DeviceError("gzip: out of memory");
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() { deflateEnd(&stream_); }

  void write(std::string_view bytes, bool is_last, FileWriter& file) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH);
      file.write(std::string_view(buffer_.data(), buffer_.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
  std::vector<char> buffer_;
};

TarWriter::TarWriter(const std::string& path, Compression compression)
    : file_(path), gzip_(compression == Compression::kGzip ? std::make_unique<Gzip>() : nullptr) {}

TarWriter::~TarWriter() = default;

void TarWriter::write(std::string_view bytes) {
  if (gzip_) gzip_->write(bytes, false, file_);
  else file_.write(bytes);
}

void TarWriter::write_header(const Entry& entry) {
  Header header{};
  const size_t cut = cut_of(entry.name);
  put(header, 0, entry.name.substr(cut == 0 ? 0 : cut + 1));
  put(header, 345, entry.name.substr(0, cut));
  put_number(header, 100, 8, entry.type == '5' ? 0755 : 0644);
  put_number(header, 108, 8, 0);
  put_number(header, 116, 8, 0);
  put_number(header, 124, 12, entry.size);
  put_number(header, 136, 12, static_cast<uint64_t>(std::max<int64_t>(entry.time, 0)));
  put(header, 148, "        ");  // the sum is taken with blanks in its place
  header[156] = entry.type;
  put(header, 257,
      std::string_view("ustar\0"
                       "00",
                       8));
  const unsigned sum = std::accumulate(header.begin(), header.end(), 0U,
                                       [](unsigned s, char c) { return s + static_cast<unsigned char>(c); });
  put_number(header, 148, 7, sum);
  header[154] = '\0';
  write({header.data(), header.size()});
}

void TarWriter::add_folder(const std::string& name, int64_t time) { write_header({name + "/", '5', 0, time}); }

void TarWriter::add_file(const std::string& name, const std::string& path, int64_t time) {
  const auto unreadable = [&](int error) {
    return FormatError::in_file(path, "cannot be read: " + std::system_category().message(error));
  };
  const internal::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (file.number() < 0 || ::fstat(file.number(), &status) != 0) throw unreadable(errno);
  const auto size = static_cast<uint64_t>(status.st_size);
  write_header({name, '0', size, time});
  std::vector<char> piece(kPiece);
  for (uint64_t left = size; left > 0;) {
    const ssize_t taken = ::read(file.number(), piece.data(), std::min<uint64_t>(left, piece.size()));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) throw unreadable(errno);
    if (taken == 0) throw FormatError::in_file(path, "became shorter while it was read");
    write({piece.data(), static_cast<size_t>(taken)});
    left -= static_cast<uint64_t>(taken);
  }
  write(std::string((kBlock - size % kBlock) % kBlock, '\0'));
}

void TarWriter::commit() {
  write(std::string(2 * kBlock, '\0'));
  if (gzip_) gzip_->write({}, true, file_);
  file_.commit();
}

}  // namespace heterodyne::io
