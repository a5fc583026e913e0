#include "cli/bench/layer_shape.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::layer_shape_test {
namespace {

LayerShape drawn(const std::string& loads, std::vector<int64_t> choices, double dead) {
  LayerShape shape;
  shape.id = "drawn", shape.tokens = 3000, shape.width = 4;
  shape.loads = loads, shape.choices = std::move(choices), shape.dead = dead;
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", 3}, {"count", 10}})};
  return shape;
}

TEST(LayerShape, EverySetOfTheProgramCanBeRead) {
  EXPECT_GE(shape_sets().size(), 3U);
  for (const auto& [name, text] : shape_sets()) EXPECT_FALSE(read_shapes(name).empty()) << name;
  const auto shapes = read_shapes("layer");
  EXPECT_EQ(shapes[2].id, "C3");
  EXPECT_EQ(shapes[2].sequence(), 1024);
  EXPECT_EQ(make_layer(shapes[2])->num_experts(), 256);
}

TEST(LayerShape, SaysWhatIsWrong) {
  const fixtures::TemporaryFolder folder;
  const auto complaint = [&](const std::string& text, const std::string& name = "s.toml") {
    const auto file = folder.put(name, text);
    return fixtures::message_of<ConfigError>([&] { read_shapes(file); });
  };
  const std::string experts = "experts = [{ kind = \"mlp\" }]\n";
  EXPECT_NE(complaint("x = 1").find("expected a list of tables called `shape`"), std::string::npos);
  EXPECT_NE(
      complaint("[[shape]]\nid = \"a\"\ntokns = 1\n" + experts).find("unknown key \"tokns\"; nearest: \"tokens\""),
      std::string::npos);
  EXPECT_NE(complaint("[[shape]]\nid = \"a\"\n" + experts + "[[shape]]\nid = \"a\"\n" + experts).find("\"a\" twice"),
            std::string::npos);
  EXPECT_NE(complaint("[[shape]]\nid = \"a\"\nper_flop_of = \"b\"\n" + experts).find("per_flop_of: expected the id"),
            std::string::npos);
  EXPECT_NE(
      complaint("[[shape]]\nid = \"a\"\ntokens = 10\nlength = 3\n" + experts).find("expected a divisor of 10, got 3"),
      std::string::npos);
  EXPECT_NE(fixtures::message_of<ConfigError>([] {
              read_shapes("nowhere");
            }).find("expected a file or one of decode, experts"),
            std::string::npos);
  const auto json = folder.put("s.json", R"({"shape": [{"id": "a", "experts": [{"kind": "mlp"}]}]})");
  EXPECT_EQ(read_shapes(json)[0].id, "a");
}

TEST(LayerShape, DrawnChoicesAreDistinctAndMissTheDead) {
  const auto expert_TK = drawn_choices(drawn("even", {1, 3}, 0.2), 10);
  std::set<int64_t> met;
  for (int64_t t = 0; t < 3000; ++t) {
    std::set<int64_t> own;
    for (int64_t i = 0; i < 3; ++i) {
      const auto e = expert_TK[t][i].item<int64_t>();
      EXPECT_EQ(e < 0, i >= (t % 2 == 0 ? 1 : 3));
      if (e < 0) continue;
      EXPECT_TRUE(own.insert(e).second);
      met.insert(e);
    }
  }
  EXPECT_EQ(met.size(), 8U);
  EXPECT_THROW(drawn_choices(drawn("even", {9}, 0.2), 10), ConfigError);
}

// One choice of ten by Zipf's law: the first has 1 / (1 + 1/2 + ... + 1/10) = 34 %, the last a tenth of that.
TEST(LayerShape, ZipfsLoads) {
  const auto shape = drawn("zipf", {1}, 0);
  auto layer = make_layer(shape);
  auto work = work_of(*layer, shape, random_input(shape));
  std::sort(work.rows_E.begin(), work.rows_E.end());
  EXPECT_NEAR(work.rows_E[9] / 3000, 0.341, 0.03);
  EXPECT_NEAR(work.rows_E[0] / 3000, 0.034, 0.012);
  EXPECT_EQ(work.pairs, 3000);
  EXPECT_EQ(work.flops, 2.0 * 3000 * 3 * 4 * 3);
  EXPECT_EQ(work.weights, 10.0 * 3 * 4 * 3);
}

}  // namespace
}  // namespace heterodyne::cli::layer_shape_test
