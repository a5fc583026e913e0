// Protocol buffers: the fields of a message one after the other, for files in that format which need no more than
// reading (encoding: protobuf.dev/programming-guides/encoding).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heterodyne::io {

struct ProtobufField {
  uint64_t number = 0;
  uint64_t at = 0;         // where in the file the field begins
  uint64_t value = 0;      // of a number: varint, or the bits of a fixed one
  std::string_view bytes;  // of text and messages; empty otherwise
  bool has_bytes = false;
  uint64_t bytes_at = 0;  // where in the file they begin
};

class ProtobufReader {
 public:
  /// `message` must outlive the reader. It begins at byte `first_byte` of `file`, for error texts.
  ProtobufReader(std::string_view message, std::string file, uint64_t first_byte = 0);

  /// The next field; false at the end. Throws FormatError with the byte offset when the message ends in the middle of a
  /// field, a number is too long, or a field is of a kind that is not known.
  bool next(ProtobufField& field);

 private:
  uint64_t varint();
  uint64_t fixed(size_t num_bytes);
  [[noreturn]] void fail(const std::string& message) const;

  std::string_view message_;
  std::string file_;
  uint64_t first_byte_;
  size_t at_ = 0;
};

/// The float whose bits a fixed field of four bytes holds.
float float_of(const ProtobufField& field);

}  // namespace heterodyne::io
