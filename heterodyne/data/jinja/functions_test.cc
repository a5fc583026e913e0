#include "heterodyne/data/jinja/functions.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/jinja/show.h"

namespace heterodyne::jinja::functions_test {
namespace {

std::string called(const std::string& name, const Arguments& arguments, const std::optional<std::tm>& now = {}) {
  Rendering rendering("here");
  Namespaces namespaces;
  for (const auto& [known, function] : global_functions(namespaces, now)) {
    if (known != name) continue;
    try {
      return text_of(rendering, function.if_object()->call(rendering, arguments));
    } catch (const FormatError& error) {
      return error.what();
    }
  }
  return "unknown";
}

Arguments numbers(std::initializer_list<int64_t> all) {
  Arguments arguments;
  for (const int64_t one : all) arguments.plain.push_back(Value::integer(one));
  return arguments;
}

TEST(JinjaFunctions, RangeHasAnEnd) {
  EXPECT_EQ(called("range", numbers({3})), "[0, 1, 2]");
  EXPECT_EQ(called("range", numbers({INT64_MAX - 1, INT64_MAX, 5})), "[9223372036854775806]");
  EXPECT_EQ(called("range", numbers({1'000'000'000})),
            "[here] line 0: range: expected at most 100000 numbers, got more");
  EXPECT_EQ(called("range", numbers({})), "[here] line 0: range: start: expected a value, got none");
  EXPECT_EQ(called("range", numbers({1, 2, 3, 4})), "[here] line 0: range: expected at most 3 arguments, got 4");
  EXPECT_EQ(called("range", {{}, {{"end", Value::integer(1)}}}),
            "[here] line 0: range: end: there is no such argument");
}

TEST(JinjaFunctions, TellTheTimeOnlyWhereThereIsOne) {
  std::tm now{};
  now.tm_year = 126, now.tm_mon = 6, now.tm_mday = 26;
  EXPECT_EQ(called("strftime_now", {{Value::text("%d %b %Y, %%")}, {}}, now), "26 Jul 2026, %");
  EXPECT_EQ(called("strftime_now", {{Value::text("%")}, {}}, now),
            "[here] line 0: strftime_now: expected a conversion such as %Y, got \"%\"");
  EXPECT_EQ(called("strftime_now", {{Value::text("%d")}, {}}), "unknown");
}

TEST(JinjaFunctions, ARefusalSaysWhy) {
  EXPECT_EQ(called("raise_exception", {{Value::text("Roles must alternate.")}, {}}),
            "[here] line 0: the template refuses this conversation: Roles must alternate.");
}

TEST(JinjaFunctions, NamespacesMayHoldThemselves) {
  const auto space = std::make_shared<Namespace>();
  {
    Namespaces all;
    all.add(space);
    space->set("self", Value::object(space));
    EXPECT_EQ(space.use_count(), 3);
  }
  EXPECT_EQ(space.use_count(), 1);
}

}  // namespace
}  // namespace heterodyne::jinja::functions_test
