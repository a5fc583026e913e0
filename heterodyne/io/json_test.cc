#include "heterodyne/io/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::json_test {
namespace {

using fixtures::message_of;

Value parse(std::string_view text) { return parse_json(text, "f.json"); }

std::string complaint(std::string_view text, const JsonLimits& limits = {}) {
  return message_of<FormatError>([&] { parse_json(text, JsonSource{"f.json"}, limits); });
}

TEST(Json, ReadsEveryTypeInWrittenOrder) {
  const Value value = parse(R"( {"z": null, "a": [true, false, -1, 2.5, 1e3, "x"], "m": {}} )");
  const Table expected{{"z", Value()}, {"a", Array{Value(true), Value(false), -1, 2.5, 1000.0, "x"}}, {"m", Table{}}};
  EXPECT_EQ(value, Value(expected));
  EXPECT_EQ(value.if_table()->keys(), (std::vector<std::string>{"z", "a", "m"}));
}

TEST(Json, ReadsEscapes) {
  EXPECT_EQ(parse(R"("\"\\\/\b\f\n\r\té\ud83d\ude00")"), Value("\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80"));
}

TEST(Json, WholeNumbersBeyondInt64BecomeReal) {
  EXPECT_EQ(parse("9223372036854775807"), Value(std::numeric_limits<int64_t>::max()));
  EXPECT_EQ(parse("-9223372036854775808"), Value(std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(parse("9223372036854775808"), Value(9223372036854775808.0));
  EXPECT_EQ(parse("1000000000000000019884624838656"), Value(1e30));
  EXPECT_EQ(parse("-9223372036854775809"), Value(-9223372036854775808.0));
}

TEST(Json, ErrorsNameTheByte) {
  EXPECT_EQ(complaint(R"({"a": 1)").substr(0, 23), "f.json: byte 7: syntax ");
  EXPECT_EQ(complaint("").substr(0, 16), "f.json: byte 0: ");
  EXPECT_EQ(complaint("[1] 2").substr(0, 16), "f.json: byte 4: ");
  EXPECT_EQ(complaint(R"({"a": 1, "b": 2, "a": 3})"), "f.json: byte 19: key \"a\" occurs twice");
  EXPECT_EQ(complaint("[1, 1e999]").substr(0, 31), "f.json: byte 8: number overflow");
  EXPECT_EQ(message_of<FormatError>([] { parse_json("[x]", JsonSource{"f", 100}); }).substr(0, 12), "f: byte 101:");
}

TEST(Json, RefusesWhatOnlyLooksLikeJson) {
  for (const char* text : {"[1,]", "{\"a\":1,}", "{a:1}", "'a'", "NaN", "Infinity", "01", "+1", ".5", "1.", "// c\n1",
                           "\"\x01\"", "\"a", "tru", "[1 2]", "\"\\x41\"", "\"\\ud800\"", "[", "{\"a\"}"}) {
    EXPECT_THROW(parse(text), FormatError) << text;
  }
}

TEST(Json, RefusesTextThatIsNotUtf8) {
  for (const char* text : {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "{\"\xff\":1}"}) {
    const std::string message = complaint(text);
    EXPECT_TRUE(message.starts_with("f.json: byte ")) << message;
  }
}

TEST(Json, LimitsDepthAndValues) {
  const std::string deep = std::string(129, '[') + std::string(129, ']');
  EXPECT_EQ(complaint(deep), "f.json: byte 128: expected at most 128 levels, got more");
  EXPECT_NO_THROW(parse(deep.substr(1, 256)));
  EXPECT_EQ(complaint(std::string(100'000'000, '[')), "f.json: byte 128: expected at most 128 levels, got more");
  EXPECT_EQ(complaint("[1,2,3]", {.values = 3}), "f.json: byte 6: expected at most 3 values, got more");
}

// A vocabulary has 128,000 keys. Looking through all earlier keys for each new one would take minutes here.
TEST(Json, ReadsATableOfManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += "\"key " + std::to_string(i) + "\":0,";
  text.back() = '}';
  EXPECT_EQ(parse(text).if_table()->size(), 300'000U);
}

TEST(Json, WritesCompactOrIndented) {
  const Value value = Table{{"a", Array{1, 2.0, Value()}}, {"b", Table{{"c", true}}}, {"d", Array{}}, {"e", Table{}}};
  EXPECT_EQ(write_json(value), R"({"a":[1,2.0,null],"b":{"c":true},"d":[],"e":{}})");
  EXPECT_EQ(write_json(value, 1),
            "{\n \"a\": [\n  1,\n  2.0,\n  null\n ],\n \"b\": {\n  \"c\": true\n },\n \"d\": [],\n \"e\": {}\n}");
}

TEST(Json, WritesTextSoThatItReadsBack) {
  EXPECT_EQ(write_json("\"\\\b\f\n\r\t\x01\x1f/\x7f\xC3\xA9"),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f\xC3\xA9\"");
  EXPECT_EQ(write_json(std::string("a\0b", 3)), "\"a\\u0000b\"");
  EXPECT_EQ(write_json("\xC3\xA9\xff\xe2\x82x"), "\"\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx\"");
}

TEST(Json, WritesWhatIsNotFiniteAsNull) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(write_json(Array{infinity, -infinity, std::nan("")}), "[null,null,null]");
}

TEST(Json, RealNumbersReadBackExactly) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    const Value back = parse(write_json(number));
    ASSERT_NE(back.if_real(), nullptr) << "seed " << seed << ": " << write_json(number);
    ASSERT_EQ(std::memcmp(back.if_real(), &number, sizeof number), 0) << "seed " << seed << ": " << write_json(number);
  }
}

Value random_value(std::mt19937_64& random, int depth) {
  const auto text = [&] {
    static const std::vector<std::string> kPieces = {"a", "\"", "\\", "\n", "\x1f", "\xC3\xA9", "\xF0\x9F\x98\x80",
                                                     "/"};
    std::string joined;
    while (random() % 4 != 0) joined += kPieces[random() % kPieces.size()];
    return joined;
  };
  switch (random() % (depth > 0 ? 7 : 5)) {
    case 0:
      return {};
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<int64_t>(random());
    case 3:
      return static_cast<double>(static_cast<int64_t>(random())) / 7;
    case 4:
      return text();
    case 5: {
      Array items;
      while (random() % 4 != 0) items.push_back(random_value(random, depth - 1));
      return items;
    }
    default: {
      Table table;
      while (random() % 4 != 0) table.set(text(), random_value(random, depth - 1));
      return table;
    }
  }
}

TEST(Json, AnyValueReadsBackEqual) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const Value value = random_value(random, 5);
    ASSERT_EQ(parse(write_json(value)), value) << "seed " << seed << ": " << write_json(value);
    ASSERT_EQ(parse(write_json(value, 2)), value) << "seed " << seed << ": " << write_json(value);
  }
}

TEST(Json, DamageIsReadOrRefused) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  const std::string whole = R"({"step": 17, "list": [1.5e-3, null, {"x": "é\n"}], "flag": true})";
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole.substr(0, 1 + random() % whole.size());
    damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      const Value value = parse(damaged);
      ASSERT_EQ(parse(write_json(value)), value) << "seed " << seed << ": " << damaged;
    } catch (const FormatError&) {
    }
  }
}

TEST(Json, GettersNameFileAndKey) {
  const Table table = parse_json_table(R"({"i": 3, "r": 0.5, "t": "x", "f": true, "l": [1], "o": {"k": 1}})", "s.json");
  EXPECT_EQ(integer_at(table, "i", "s.json"), 3);
  EXPECT_EQ(real_at(table, "r", "s.json"), 0.5);
  EXPECT_EQ(real_at(table, "i", "s.json"), 3.0);
  EXPECT_EQ(text_at(table, "t", "s.json"), "x");
  EXPECT_TRUE(flag_at(table, "f", "s.json"));
  EXPECT_EQ(array_at(table, "l", "s.json").size(), 1U);
  EXPECT_EQ(table_at(table, "o", "s.json").size(), 1U);

  const auto complaint_of = [](const auto& work) { return message_of<FormatError>(work); };
  EXPECT_EQ(complaint_of([&] { integer_at(table, "step", "s.json"); }),
            "s.json: step: expected a whole number, it is missing");
  EXPECT_EQ(complaint_of([&] { integer_at(table, "r", "s.json"); }),
            "s.json: r: expected a whole number, got a number");
  EXPECT_EQ(complaint_of([&] { real_at(table, "t", "s.json"); }), "s.json: t: expected a number, got text");
  EXPECT_EQ(complaint_of([&] { text_at(table, "i", "s.json"); }), "s.json: i: expected text, got a whole number");
  EXPECT_EQ(complaint_of([&] { flag_at(table, "i", "s.json"); }),
            "s.json: i: expected true or false, got a whole number");
  EXPECT_EQ(complaint_of([&] { table_at(table, "l", "s.json"); }), "s.json: l: expected a table, got a list");
  EXPECT_EQ(complaint_of([&] { array_at(table, "o", "s.json"); }), "s.json: o: expected a list, got a table");
  EXPECT_EQ(complaint_of([] { parse_json_table("[]", "s.json"); }), "s.json: byte 0: expected a table, got a list");
}

}  // namespace
}  // namespace heterodyne::io::json_test
