#include "cli/bench/measure_text.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::measure_text_test {
namespace {

Experiment small(const std::string& more = "") {
  return read_experiment(parse_toml(R"(
name = "small"
[data]
kind = "text_lm"
path = "none.txt"
tokenizer = { kind = "byte" }
length = 16
[model]
kind = "llama"
width = 32
heads = 4
layers = 1
moe = { router = { kind = "top_k", k = 2 }, experts = [{ kind = "swiglu", hidden = 32, count = 8 }] }
)" + more,
                                    "small.toml"));
}

TEST(MeasureText, TellsEveryFormatOfItsRates) {
  cli::InterleaveOptions options;
  options.rounds = 1;
  options.warm_up = 0;
  const auto result = cli::measure_text("small", small("context = 24\n"), options);
  ASSERT_EQ(result.formats.size(), 4U);
  EXPECT_EQ(result.shape.prompt, 12);
  EXPECT_EQ(result.shape.made, 12);
  const auto& plain = result.formats[0];
  EXPECT_EQ(plain.weights, "float32");
  // A quarter of the experts, 8 x 3 x 32 x 32 values, is read; so are queries, keys, values and outputs, the gate,
  // three norms and the head of 256 symbols.
  EXPECT_NEAR(plain.bytes_of_token, 4 * (6144 + 4 * 1024 + 256 + 3 * 32 + 256 * 32), 1);
  EXPECT_LT(result.formats[2].bytes, 0.4 * plain.bytes) << "int8";
  for (const auto& format : result.formats) {
    EXPECT_GT(result.prompt_rate(format), 0);
    EXPECT_GT(result.made_rate(format), 0);
    EXPECT_GT(result.share_of_memory(format), 0);
  }
  EXPECT_EQ(cli::text_speed_rows({result}).rows.size(), 4U);
  EXPECT_EQ(cli::text_speed_objects({result}).size(), 4U);
}

TEST(MeasureText, MeasuresTheNetworkThatItIsGivenInEveryFormat) {
  cli::InterleaveOptions options;
  options.rounds = 1, options.warm_up = 0;
  const auto experiment = small("context = 24\n");
  int made = 0;
  const auto source = [&] {
    ++made;
    return make_network(experiment);
  };
  EXPECT_EQ(cli::measure_text("small", experiment, options, source).formats.size(), 4U);
  EXPECT_EQ(made, 4);
}

TEST(MeasureText, IsForLanguageModels) {
  const auto images = read_experiment(
      parse_toml("name = \"i\"\ndata = { kind = \"synthetic\" }\nmodel = { kind = \"mlp\" }\n", "i.toml"));
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { cli::measure_text("images", images, {}); }),
            "bench decode: images: expected a language model or the id of a shape, got another model");
}

}  // namespace
}  // namespace heterodyne::measure_text_test
