#include "heterodyne/io/pickle.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::pickle_test {
namespace {

std::string little(uint64_t value, int num_bytes) {
  std::string text;
  for (int i = 0; i < num_bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

uint32_t crc_of(const std::string& text) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ (crc & 1U ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

// An archive of stored files.
std::string zipped(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive, central;
  for (const auto& [name, content] : files) {
    const std::string shared = little(0, 2) + little(0, 2) + little(0, 4) + little(crc_of(content), 4) +
                               little(content.size(), 4) + little(content.size(), 4) + little(name.size(), 2) +
                               little(0, 2);
    central += std::string("PK\x01\x02") + little(10, 2) + little(10, 2) + shared + little(0, 10) +
               little(archive.size(), 4) + name;
    archive += std::string("PK\x03\x04") + little(10, 2) + shared + name + content;
  }
  return archive + central + "PK\x05\x06" + little(0, 4) + little(files.size(), 2) + little(files.size(), 2) +
         little(central.size(), 4) + little(archive.size(), 4) + little(0, 2);
}

std::string text(const std::string& value) { return "X" + little(value.size(), 4) + value; }
std::string byte(int value) { return "K" + little(static_cast<uint64_t>(value), 1); }
std::string pair(int a, int b) { return byte(a) + byte(b) + "\x86"; }

// What torch.save() writes of a tensor of five floats' storage.
std::string tensor(int offset, const std::string& sizes, const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") +
         text("cpu") + byte(5) + "tQ" + byte(offset) + sizes + strides + "\x89" + "ccollections\nOrderedDict\n)RtR";
}

std::string values() {
  std::string bytes;
  for (const float value : {0.0F, 1.0F, 2.0F, 3.0F, 4.0F})
    bytes += std::string(reinterpret_cast<const char*>(&value), 4);
  return bytes;
}

class PickleFile {
 public:
  explicit PickleFile(const std::string& program)
      : path_(folder_.put("x.pth", zipped({{"x/data.pkl", "\x80\x02" + program}, {"x/data/0", values()}}))) {}

  std::vector<std::pair<std::string, torch::Tensor>> read() const { return read_pickled_tensors(path_); }
  std::string refusal() const {
    const auto message = fixtures::message_of<FormatError>([&] { read(); });
    return message.starts_with(path_) ? message.substr(path_.size() + 2) : message;
  }

 private:
  fixtures::TemporaryFolder folder_;
  std::string path_;
};

// Values 0 .. 4 from 1 on, two rows a value apart, two columns two apart.
TEST(Pickle, ReadsTensorsByName) {
  const auto all =
      PickleFile("}(" + text("w") + tensor(1, pair(2, 2), pair(1, 2)) + text("epoch") + byte(7) + "u.").read();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].first, "w");
  EXPECT_TRUE(torch::equal(all[0].second, torch::tensor({{1.0F, 3.0F}, {2.0F, 4.0F}})));
}

TEST(Pickle, ReadsDictionariesInDictionaries) {
  const std::string inner = "ccollections\nOrderedDict\n)R" + text("a.b") +
                            tensor(0, byte(5) + "\x85", byte(1) + "\x85") + "s}" + text("_metadata") + "}sb";
  const auto all = PickleFile("}" + text("state_dict") + inner + "s.").read();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].first, "state_dict.a.b");
  EXPECT_EQ(all[0].second.numel(), 5);
}

TEST(Pickle, WhatIsNoTensorIsRefusedAndNotExecuted) {
  EXPECT_EQ(PickleFile("cposix\nsystem\n" + text("touch /tmp/x") + "\x85R.").refusal(),
            "x/data.pkl: byte 16: expected names that belong to tensors, got \"posix system\"; nothing was executed");
  EXPECT_EQ(PickleFile("(S'x'\n.").refusal(),
            "x/data.pkl: byte 4: expected an instruction that builds tensors, got 0x53; nothing was executed");
  EXPECT_EQ(PickleFile("ctorch\nFloatStorage\n)R.").refusal().substr(0, 70),
            "x/data.pkl: byte 24: expected a call that makes a tensor, got torch Fl");
}

TEST(Pickle, ATensorLiesInsideItsValues) {
  EXPECT_NE(
      PickleFile(tensor(2, pair(2, 2), pair(2, 1)) + ".").refusal().find("its 5 values, got one that reaches to 5"),
      std::string::npos);
  const std::string huge = "\x8A\x08" + little(uint64_t{1} << 62, 8);
  EXPECT_NE(
      PickleFile(tensor(0, huge + byte(9) + "\x86", huge + byte(1) + "\x86") + ".").refusal().find("reaches beyond"),
      std::string::npos);
  // One value read again and again, and one behind the others.
  EXPECT_NE(PickleFile(tensor(0, pair(3, 2), pair(0, 0)) + ".").refusal().find("at most the 5 values"),
            std::string::npos);
  const auto last = PickleFile("}" + text("w") + tensor(4, byte(1) + "\x85", byte(1) + "\x85") + "s.").read();
  EXPECT_TRUE(torch::equal(last.at(0).second, torch::tensor({4.0F})));
  const std::string minus = "J" + little(0xFFFFFFFF, 4);
  EXPECT_NE(PickleFile(tensor(0, minus + "\x85", byte(1) + "\x85") + ".").refusal().find("sizes of at least 0"),
            std::string::npos);
  EXPECT_NE(PickleFile(tensor(0, pair(2, 2), byte(1) + "\x85") + ".").refusal().find("as many strides as sizes"),
            std::string::npos);
}

TEST(Pickle, DamageIsNamed) {
  EXPECT_EQ(PickleFile("}").refusal(), "x/data.pkl: byte 3: expected 1 bytes more, got the end");
  EXPECT_EQ(PickleFile("X\xFF\xFF\xFF\x7F").refusal(),
            "x/data.pkl: byte 7: expected 2147483647 bytes more, got the end");
  EXPECT_EQ(PickleFile("t.").refusal(), "x/data.pkl: byte 3: expected a mark on the stack, got none");
  EXPECT_EQ(PickleFile("h\x05.").refusal(), "x/data.pkl: byte 4: expected something remembered at 5, got nothing");
  EXPECT_EQ(PickleFile("K\x01K\x02"
                       "a.")
                .refusal(),
            "x/data.pkl: byte 7: expected a list, got another value");
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("y.pth", zipped({{"x/version", "3"}}));
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { read_pickled_tensors(path); }),
            path + ": expected a file of torch.save(), got an archive without data.pkl");
}

// A million tuples in each other, and a dictionary that holds itself.
TEST(Pickle, DepthAndCirclesAreNoTrouble) {
  EXPECT_TRUE(PickleFile(")" + std::string(1'000'000, '\x85') + ".").read().empty());
  EXPECT_TRUE(PickleFile("}q\x01" + text("a") + "h\x01s.").read().empty());
}

}  // namespace
}  // namespace heterodyne::io::pickle_test
