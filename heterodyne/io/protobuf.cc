#include "heterodyne/io/protobuf.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne::io {

ProtobufReader::ProtobufReader(std::string_view message, std::string file, uint64_t first_byte)
    : message_(message), file_(std::move(file)), first_byte_(first_byte) {}

void ProtobufReader::fail(const std::string& message) const {
  throw FormatError::in_file(file_, first_byte_ + at_, message);
}

uint64_t ProtobufReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == message_.size()) fail("expected more bytes of a number, got the end");
    const auto byte = static_cast<unsigned char>(message_[at_++]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  fail("expected a number of at most 10 bytes, got a longer one");
}

uint64_t ProtobufReader::fixed(size_t num_bytes) {
  if (message_.size() - at_ < num_bytes) fail(fmt::format("expected {} bytes of a number, got the end", num_bytes));
  uint64_t value = 0;
  for (size_t i = num_bytes; i-- > 0;) value = (value << 8U) | static_cast<unsigned char>(message_[at_ + i]);
  at_ += num_bytes;
  return value;
}

bool ProtobufReader::next(ProtobufField& field) {
  if (at_ == message_.size()) return false;
  field = {};
  field.at = first_byte_ + at_;
  const uint64_t key = varint();
  field.number = key >> 3U;
  if (field.number == 0) fail("expected a field's number above 0, got 0; the file is damaged or of another kind");
  const uint64_t kind = key & 7U;
  if (kind == 0) field.value = varint();
  else if (kind == 1) field.value = fixed(8);
  else if (kind == 5) field.value = fixed(4);
  else if (kind == 2) {
    const uint64_t size = varint();
    if (size > message_.size() - at_)
      fail(fmt::format("expected {} bytes of a field, got {}; the file is cut short or damaged", size,
                       message_.size() - at_));
    field.has_bytes = true;
    field.bytes_at = first_byte_ + at_;
    field.bytes = message_.substr(at_, size);
    at_ += size;
  } else {
    fail(fmt::format("expected a field of kind 0, 1, 2 or 5, got {}; the file is damaged or of another kind", kind));
  }
  return true;
}

float float_of(const ProtobufField& field) { return std::bit_cast<float>(static_cast<uint32_t>(field.value)); }

}  // namespace heterodyne::io
