#include "heterodyne/io/sha256.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::sha256_test {
namespace {

// FIPS 180-2, appendix B, and the empty message of NIST's example values.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const fixtures::TemporaryFolder folder;
  std::string bytes(3'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 251);
  EXPECT_EQ(sha256_of_file(folder.put("f", bytes)), sha256_hex(bytes));
  EXPECT_EQ(sha256_of_file(folder.put("empty", "")), sha256_hex(""));
}

TEST(Sha256, AFileThatCannotBeReadIsNamed) {
  EXPECT_EQ(fixtures::message_of<FormatError>([] { sha256_of_file("/nowhere/f"); }),
            "/nowhere/f: cannot be read: No such file or directory");
  EXPECT_EQ(fixtures::message_of<FormatError>([] { sha256_of_file("/tmp"); }), "/tmp: cannot be read: Is a directory");
}

}  // namespace
}  // namespace heterodyne::io::sha256_test
