#include "cli/config_text.h"

#include <gtest/gtest.h>

#include "cli/recipes.h"
#include "heterodyne/base/config.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli::config_text_test {
namespace {

bool has_line(const std::string& text, const std::string& setting, const std::string& comment) {
  const size_t begin = ("\n" + text).find("\n" + setting);
  return begin != std::string::npos && text.substr(begin, text.find('\n', begin) - begin).ends_with("# " + comment);
}

TEST(ConfigText, EachSettingSaysWhatItMeansAndAccepts) {
  const std::string text = commented_toml(read_experiment(read_config("synthetic/dmmoe", {})).resolved);
  EXPECT_TRUE(has_line(text, "seed = 1", "of initial values, data order and every other draw (>= 0)"));
  EXPECT_TRUE(has_line(text, "accumulate = 1", "batches whose gradients make one step (>= 1)"));
  EXPECT_TRUE(has_line(text, "size = 16", "height and width of an image (4 .. 4096)"));
  EXPECT_TRUE(has_line(text, "[train]", "how it is trained"));
}

TEST(ConfigText, EntriesOfAListHaveTheCommentsOfTheirOwnKind) {
  const std::string text = commented_toml(read_experiment(read_config("synthetic/dmmoe", {})).resolved);
  EXPECT_TRUE(has_line(text, "kind = \"conv1d\"", experts().summary("conv1d")));
  EXPECT_TRUE(has_line(text, "kind = \"lstm_cell\"", experts().summary("lstm_cell")));
}

TEST(ConfigText, EveryRecipeReadsBackAsItWas) {
  for (const auto& recipe : recipes()) {
    const Table config = read_config(recipe.first, {});
    if (!config.contains("data")) continue;  // not an experiment
    const Table resolved = read_experiment(config).resolved;
    EXPECT_EQ(parse_toml(commented_toml(resolved), "text"), parse_toml(write_toml(resolved), "text")) << recipe.first;
  }
}

}  // namespace
}  // namespace heterodyne::cli::config_text_test
