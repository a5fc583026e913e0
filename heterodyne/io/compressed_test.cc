#include "heterodyne/io/compressed.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include <random>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::compressed_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string xz(const std::string& bytes) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t written = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(bytes.data()),
                                    bytes.size(), reinterpret_cast<uint8_t*>(out.data()), &written, out.size()),
            LZMA_OK);
  out.resize(written);
  return out;
}

struct Format {
  const char* suffix;
  std::string (*compress)(const std::string&);
};

class Compressed : public ::testing::TestWithParam<Format> {
 protected:
  std::string put(const std::string& bytes) const { return folder_.put("f" + std::string(GetParam().suffix), bytes); }
  std::string compress(const std::string& bytes) const { return GetParam().compress(bytes); }
  std::string complaint() const {
    return message_of<FormatError>([&] { read_maybe_compressed(folder_ / "f"); });
  }

  TemporaryFolder folder_;
};

std::string mixed_bytes(size_t count) {
  std::mt19937 random(7);
  std::string bytes;
  while (bytes.size() < count) bytes.append(random() % 50, static_cast<char>(random()));
  bytes.resize(count);
  return bytes;
}

TEST_P(Compressed, ExpandsToTheOriginal) {
  for (const size_t size : {0, 1, 1000, 65536, 65537, 1000000}) {
    const std::string bytes = mixed_bytes(size);
    const std::string path = put(compress(bytes));
    EXPECT_EQ(read_maybe_compressed(folder_ / "f"), bytes) << size;
    EXPECT_EQ(read_maybe_compressed(path), bytes) << "named with its suffix";
  }
}

TEST_P(Compressed, ReadsAllMembers) {
  put(compress("one ") + compress("") + compress("three"));
  EXPECT_EQ(read_maybe_compressed(folder_ / "f"), "one three");
}

TEST_P(Compressed, CutShortAnywhereItIsRefused) {
  const std::string whole = compress(mixed_bytes(300));
  for (size_t length = 0; length < whole.size(); ++length) {
    put(whole.substr(0, length));
    const std::string message = complaint();
    EXPECT_TRUE(message.ends_with("stream, got the end of the file")) << length << " " << message;
  }
}

TEST_P(Compressed, AnyDamageIsNoticed) {
  const std::string original = mixed_bytes(300);
  const std::string whole = compress(original);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    put(damaged);
    try {
      // A few bytes of gzip's header carry nothing that matters here, such as the time.
      EXPECT_EQ(read_maybe_compressed(folder_ / "f"), original) << at;
    } catch (const FormatError&) {
    }
  }
}

TEST_P(Compressed, WhatFollowsTheStreamIsRefused) {
  const std::string whole = compress("text");
  put(whole + "some other bytes");
  EXPECT_NE(complaint().find(": byte "), std::string::npos) << complaint();
  EXPECT_NE(complaint(), "nothing was thrown");
}

TEST_P(Compressed, ExpandsNoFurtherThanAllowed) {
  const std::string path = put(compress(std::string(5'000'000, '\0')));
  EXPECT_EQ(read_maybe_compressed(path, 5'000'000).size(), 5'000'000U);
  const std::string message = message_of<FormatError>([&] { read_maybe_compressed(path, 4'999'999); });
  EXPECT_TRUE(message.ends_with(": expected to expand to at most 4999999 bytes, got more")) << message;
}

INSTANTIATE_TEST_SUITE_P(Formats, Compressed, ::testing::Values(Format{".gz", gzip}, Format{".xz", xz}),
                         [](const auto& format) { return std::string(format.param.suffix + 1); });

// RFC 1952 by hand: magic, deflate, no flags, no time, no hints; one stored block "hi"; CRC-32 and length.
TEST(MaybeCompressed, ReadsAHandWrittenGzip) {
  const TemporaryFolder folder;
  const std::string bytes("\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\0\xfd\xffhi\xac\x2a\x93\xd8\x02\0\0\0", 25);
  EXPECT_EQ(read_maybe_compressed(folder.put("f.gz", bytes)), "hi");
  EXPECT_EQ(message_of<FormatError>([&] { read_maybe_compressed(folder.put("g.gz", bytes + "x")); }),
            folder / "g.gz" + ": byte 25: expected the end of the file or another gzip member, got something else");
}

TEST(MaybeCompressed, PrefersThePlainFileThenGzip) {
  const TemporaryFolder folder;
  EXPECT_EQ(find_maybe_compressed(folder / "f"), std::nullopt);
  folder.put("f.xz", xz("from xz"));
  EXPECT_EQ(read_maybe_compressed(folder / "f"), "from xz");
  folder.put("f.gz", gzip("from gz"));
  EXPECT_EQ(read_maybe_compressed(folder / "f"), "from gz");
  folder.put("f", "plain");
  EXPECT_EQ(read_maybe_compressed(folder / "f"), "plain");
  EXPECT_EQ(find_maybe_compressed(folder / "f"), folder / "f");
}

TEST(MaybeCompressed, NothingThereIsNamed) {
  EXPECT_EQ(message_of<FormatError>([] { read_maybe_compressed("/nowhere/f"); }),
            "/nowhere/f: not found (also tried .gz, .xz)");
}

}  // namespace
}  // namespace heterodyne::io::compressed_test
