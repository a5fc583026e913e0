#include "heterodyne/data/tokens/frame.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::frame_test {
namespace {

using Ids = std::vector<int64_t>;

tokens::Frame frame_of(const std::string& description) {
  const Value value = io::parse_json(description, "t.json");
  return {&value, "t.json"};
}

constexpr const char* kBert =
    R"({"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
  "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
  "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
           {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
           {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
  "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]},
                     "[SEP]": {"id": "[SEP]", "ids": [102], "tokens": ["[SEP]"]}}}]})";

TEST(Frame, PutsSpecialIdsAround) {
  EXPECT_EQ(frame_of(kBert).around({7}).ids, (Ids{101, 7, 102}));
  const auto both = frame_of(kBert).around({7}, {8, 9});
  EXPECT_EQ(both.ids, (Ids{101, 7, 102, 8, 9, 102}));
  EXPECT_EQ(both.types, (Ids{0, 0, 0, 1, 1, 1}));
}

TEST(Frame, NoneLeavesTheIds) {
  EXPECT_EQ(frame_of("null").around({7}).ids, (Ids{7}));
  EXPECT_EQ(frame_of("null").around({7}, {8}).types, (Ids{0, 1}));
  EXPECT_EQ(frame_of(R"({"type": "ByteLevel"})").around({}).ids, Ids{});
}

TEST(Frame, RefusesWhatItDoesNotKnow) {
  const auto refusal = [](const std::string& description) {
    return fixtures::message_of<FormatError>([&] { frame_of(description); });
  };
  EXPECT_EQ(refusal(R"({"type": "Roberta"})"),
            "t.json: post_processor: type: expected one of ByteLevel, Sequence, TemplateProcessing, got \"Roberta\"");
  EXPECT_EQ(refusal(R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "C", "type_id": 0}}],
                        "pair": [], "special_tokens": {}})"),
            "t.json: post_processor: single: Sequence: id: expected A or B, got \"C\"");
  EXPECT_NE(refusal(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}],
                        "pair": [], "special_tokens": {}})")
                .find("post_processor: single: <s>: "),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::frame_test
