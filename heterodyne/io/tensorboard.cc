#include "heterodyne/io/tensorboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstring>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr size_t kSecondsDigits = 10;
constexpr const char* kVersion = "brain.Event:2";
constexpr uint64_t kStatusStart = 1;
constexpr size_t kBeforeData = 12;  // bytes of a record: length and its check
constexpr size_t kAroundData = 16;  // and the check of the data

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

// By byte, the polynomial 0x1EDC6F41 bit by bit from the lowest.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    table[byte] = crc;
  }
  return table;
}();

template <class Number>
std::string bytes_of(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// A CRC of data that holds CRCs itself is of little worth, so TFRecord turns and shifts them.
uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

// A protobuf message while it is written. Each field is its number and wire type, then its value.
class Message {
 public:
  void add_integer(int field, uint64_t value) { bytes_ += varint(key(field, 0)) + varint(value); }
  void add_double(int field, double value) { bytes_ += varint(key(field, 1)) + bytes_of(value); }
  void add_float(int field, float value) { bytes_ += varint(key(field, 5)) + bytes_of(value); }
  void add_bytes(int field, std::string_view value) {
    bytes_ += varint(key(field, 2)) + varint(value.size());
    bytes_ += value;
  }
  void add_message(int field, const Message& message) { add_bytes(field, message.bytes_); }
  void add_doubles(int field, const std::vector<double>& values) {
    std::string packed;
    for (const double value : values) packed += bytes_of(value);
    add_bytes(field, packed);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  static uint64_t key(int field, uint64_t wire_type) { return static_cast<uint64_t>(field) << 3 | wire_type; }
  static std::string varint(uint64_t value) {
    std::string bytes;
    for (; value > 0x7F; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
    return bytes + static_cast<char>(value);
  }

  std::string bytes_;
};

Message event_at(double wall_time, int64_t step) {
  Message event;
  event.add_double(1, wall_time);
  event.add_integer(2, static_cast<uint64_t>(step));
  return event;
}

Message message_of(const EventScalar& scalar) {
  Message value;
  value.add_bytes(1, scalar.tag);
  value.add_float(2, static_cast<float>(scalar.value));
  return value;
}

Message message_of(const EventHistogram& histogram) {
  double num = 0;
  for (const double count : histogram.counts) num += count;
  Message histo;
  histo.add_double(1, histogram.min);
  histo.add_double(2, histogram.max);
  histo.add_double(3, num);
  histo.add_double(4, histogram.sum);
  histo.add_double(5, histogram.sum_squares);
  histo.add_doubles(6, histogram.limits);
  histo.add_doubles(7, histogram.counts);
  Message value;
  value.add_bytes(1, histogram.tag);
  value.add_message(5, histo);
  return value;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The seconds in the name of an event file, or 0 for other names.
int64_t seconds_in(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  const std::string_view digits = name.substr(kPrefix.size(), kSecondsDigits);
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  return error == std::errc() && end == digits.data() + kSecondsDigits ? seconds : 0;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "host";
  std::string text = name.data();
  const auto is_plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-'; };
  std::replace_if(text.begin(), text.end(), [&](char c) { return !is_plain(c); }, '_');
  return text;
}

std::string next_path(const std::string& folder) {
  auto seconds = static_cast<int64_t>(seconds_now());
  for (const auto& name : list_folder(folder)) seconds = std::max(seconds, seconds_in(name) + 1);
  return fmt::format("{}/{}{:0{}}.{}.{}", folder, kPrefix, seconds, kSecondsDigits, host_name(), ::getpid());
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

std::string tfrecord(std::string_view data) {
  const std::string length = bytes_of(uint64_t{data.size()});
  return length + bytes_of(masked_crc(length)) + std::string(data) + bytes_of(masked_crc(data));
}

std::string version_event(double wall_time) {
  Message event;
  event.add_double(1, wall_time);
  event.add_bytes(3, kVersion);
  return event.bytes();
}

std::string start_event(double wall_time, int64_t step) {
  Message log;
  log.add_integer(1, kStatusStart);
  Message event = event_at(wall_time, step);
  event.add_message(7, log);
  return event.bytes();
}

std::string summary_event(double wall_time, int64_t step, const EventSummary& summary) {
  Message values;
  for (const auto& scalar : summary.scalars) values.add_message(1, message_of(scalar));
  for (const auto& histogram : summary.histograms) values.add_message(1, message_of(histogram));
  Message event = event_at(wall_time, step);
  event.add_message(5, values);
  return event.bytes();
}

int64_t check_event_file(const std::string& path) {
  const std::string file = read_file(path);
  const auto number_at = [&](size_t byte) {
    uint64_t number = 0;
    std::memcpy(&number, file.data() + byte, sizeof number);
    return number;
  };
  int64_t num_records = 0;
  for (size_t begin = 0; begin < file.size(); ++num_records) {
    const size_t rest = file.size() - begin;
    const uint64_t length = rest < kAroundData ? 0 : number_at(begin);
    if (rest < kAroundData || length > rest - kAroundData) {
      throw FormatError::in_file(path, begin, fmt::format("the record is cut short: {} bytes are left", rest));
    }
    const std::string_view record = std::string_view(file).substr(begin, kAroundData + length);
    if (record != tfrecord(record.substr(kBeforeData, length)))
      throw FormatError::in_file(path, begin, "the record's checks differ; the file is damaged");
    begin += record.size();
  }
  return num_records;
}

EventFile::EventFile(const std::string& folder, int64_t first_step) : file_(next_path(folder)) {
  const double now = seconds_now();
  file_.append(tfrecord(version_event(now)) + tfrecord(start_event(now, first_step)));
}

void EventFile::add(int64_t step, const EventSummary& summary) {
  file_.append(tfrecord(summary_event(seconds_now(), step, summary)));
}

}  // namespace heterodyne::io
