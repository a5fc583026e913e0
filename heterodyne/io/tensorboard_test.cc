#include "heterodyne/io/tensorboard.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::tensorboard_test {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(""), 0U);
}

// The first record of an event file. The CRCs are those that TensorBoard 2.20 computes.
TEST(Tfrecord, FramesDataWithItsLengthAndBothChecks) {
  const std::string event = version_event(1.5);
  EXPECT_EQ(hex(event),
            "09"
            "000000000000f83f"            // wall_time: 1.5
            "1a0d"                        // file_version: 13 bytes
            "627261696e2e4576656e743a32"  // brain.Event:2
  );
  EXPECT_EQ(hex(tfrecord(event)), "1800000000000000a37f4b22" + hex(event) + "2a28646c");
}

TEST(StartEvent, IsASessionThatStartsAtTheStep) {
  EXPECT_EQ(hex(start_event(1.5, 300)),
            "09000000000000f83f"
            "10ac02"
            "3a020801")
      << "300 = 0b10'0101100";
}

TEST(SummaryEvent, HoldsScalarsAndHistograms) {
  EventHistogram histogram{"h", -0.5, 1.5, 3, 3, {0.5, 1.5}, {1, 3}};
  EXPECT_EQ(hex(summary_event(1.5, 300, {{{"a/b", -2}}, {histogram}})),
            "09000000000000f83f10ac02"
            "2a64"                                    // summary: 10 + 2 + 86 + 2 bytes
            "0a0a0a03612f6215000000c0"                // value: tag a/b, simple_value -2
            "0a560a01682a51"                          // value: tag h, histo of 81 bytes
            "09000000000000e0bf"                      // min -0.5
            "11000000000000f83f"                      // max 1.5
            "190000000000001040"                      // num 4
            "210000000000000840"                      // sum 3
            "290000000000000840"                      // sum_squares 3
            "3210000000000000e03f000000000000f83f"    // bucket_limit 0.5 1.5
            "3a10000000000000f03f0000000000000840");  // bucket 1 3
}

TEST(SummaryEvent, OfNothingIsAnEventWithoutValues) {
  EXPECT_EQ(hex(summary_event(1.5, 1, {})),
            "09000000000000f83f"
            "1001"
            "2a00");
}

// Lengths and steps beyond seven bits take more bytes of varint.
TEST(SummaryEvent, HoldsLongNamesAndLargeSteps) {
  const std::string event = summary_event(0, int64_t{1} << 35, {{{std::string(200, 'x'), 0}}, {}});
  EXPECT_EQ(hex(event.substr(0, 25)),
            "090000000000000000"
            "10808080808001"
            "2ad301"
            "0ad001"
            "0ac801");
  EXPECT_EQ(event.size(), 25U + 200 + 5);
}

std::vector<std::string> event_files(const fixtures::TemporaryFolder& folder) { return list_folder(folder.path()); }

TEST(EventFile, BeginsWithVersionAndStartAndGrowsByWholeRecords) {
  const fixtures::TemporaryFolder folder;
  EventFile file(folder.path(), 7);
  ASSERT_EQ(event_files(folder).size(), 1U);
  const std::string path = folder / event_files(folder)[0];
  const std::string begin = read_file(path);
  ASSERT_EQ(begin.size(), 16 + version_event(0).size() + 16 + start_event(0, 7).size());
  EXPECT_EQ(begin.substr(12, 24).substr(11), "brain.Event:2");
  EXPECT_EQ(hex(begin.substr(40 + 12 + 9, 6)),
            "1007"
            "3a020801")
      << "step 7, session started";
  file.add(8, {{{"loss", 0.5}}, {}});
  const std::string grown = read_file(path);
  EXPECT_TRUE(grown.starts_with(begin));
  EXPECT_EQ(grown.size(), begin.size() + 16 + summary_event(0, 8, {{{"loss", 0.5}}, {}}).size());
}

TEST(EventFile, IsNamedAfterThoseThatAreThere) {
  const fixtures::TemporaryFolder folder;
  folder.put("events.out.tfevents.9000000000.elsewhere.7", "");
  folder.put("events.out.tfevents.nonsense", "");
  folder.put("metrics.jsonl", "");
  const EventFile first(folder.path(), 1), second(folder.path(), 1);
  const auto names = event_files(folder);
  ASSERT_EQ(names.size(), 5U);
  EXPECT_TRUE(names[1].starts_with("events.out.tfevents.9000000001.")) << names[1];
  EXPECT_TRUE(names[2].starts_with("events.out.tfevents.9000000002.")) << names[2];
}

TEST(EventFile, DamageIsFoundWithItsPlace) {
  const fixtures::TemporaryFolder folder;
  const std::string record = tfrecord(version_event(0));
  EXPECT_EQ(check_event_file(folder.put("good", record + record)), 2);
  EXPECT_EQ(check_event_file(folder.put("empty", "")), 0);
  const auto complaint = [&](const std::string& bytes) {
    const std::string path = folder.put("bad", bytes);
    return fixtures::message_of<FormatError>([&] { check_event_file(path); }).substr(path.size());
  };
  EXPECT_EQ(complaint(record + record.substr(0, 30)), ": byte 40: the record is cut short: 30 bytes are left");
  EXPECT_EQ(complaint(record + record.substr(0, 5)), ": byte 40: the record is cut short: 5 bytes are left");
  EXPECT_EQ(complaint(std::string(16, '\xFF')), ": byte 0: the record is cut short: 16 bytes are left");
  for (const size_t byte : {9U, 20U, 38U}) {
    std::string flipped = record + record;
    flipped[40 + byte] = static_cast<char>(flipped[40 + byte] ^ 1);
    EXPECT_EQ(complaint(flipped), ": byte 40: the record's checks differ; the file is damaged") << byte;
  }
}

TEST(EventFile, AFolderThatIsMissingIsNamed) { EXPECT_THROW(EventFile("/nowhere", 1), Error); }

}  // namespace
}  // namespace heterodyne::io::tensorboard_test
