#include "heterodyne/data/jinja/template.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::jinja::template_test {
namespace {

TEST(JinjaTemplate, IsRenderedAsOftenAsWanted) {
  const Template one("{% set a = a ~ 'b' %}{{ a }}{{ strftime_now is defined }}", "here");
  EXPECT_EQ(one.render({{"a", "x"}}), "xbFalse");
  EXPECT_EQ(one.render({{"a", 1}}, std::tm{}), "1bTrue");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { one.render({{"a", "\xff"}}); }),
            "[here] byte 0: expected UTF-8, got 0xff");
  Limits little;
  little.steps = 5;
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { one.render({{"a", "x"}}, {}, little); }),
            "[here] line 1: expected a template that is done after 5 steps, got one that goes on");
}

// The published template, filled in by hand.
TEST(JinjaTemplate, OfTheRealModelWritesWhatItIsKnownFor) {
  const auto file = fixtures::find_real_data("tokenizers/llama3/tokenizer_config.json");
  if (!file) GTEST_SKIP() << "skipped: no data";
  const Table config = io::parse_json_table(io::read_file(*file), *file);
  const Template form(io::text_at(config, "chat_template", *file), *file);
  Array messages;
  messages.emplace_back(Table{{"role", "system"}, {"content", "Be brief."}});
  messages.emplace_back(Table{{"role", "user"}, {"content", " Hi\n"}});
  EXPECT_EQ(form.render({{"messages", messages}, {"bos_token", "<|begin_of_text|>"}, {"add_generation_prompt", true}}),
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

}  // namespace
}  // namespace heterodyne::jinja::template_test
