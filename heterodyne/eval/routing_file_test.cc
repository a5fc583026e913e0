#include "heterodyne/eval/routing_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/safetensors.h"

namespace heterodyne::routing_file_test {
namespace {

LayerProfile layer() {
  LayerProfile layer;
  layer.experts = {{0, "a \"b\" <i>", "mlp", 10, 2.5}, {7, "c", "conv1d", 3, 1}};
  layer.counts = {"layers.3", {4, 1}, 3, 1, 2};
  layer.pair_EE = {4, 1, 1, 1};
  layer.k_histogram = {0, 1, 2};
  layer.groups = {{"class", {"cat", "dog", ""}, {1, 2, 1, 0, 0, 1}, {1, 1, 1}},
                  {"modality", {"image", "text"}, {3, 1, 0, 1}, {2, 1}, {0.25, 0.5}}};
  layer.confidence = Confidence{3, 1.5, 0.5, {2, 1}, std::vector<int64_t>(20, 1), std::vector<int64_t>(20, 2)};
  layer.shuffled_information = {0.1, 0.2};
  layer.sample = {2, {0, 7, 7, -1}};
  layer.knock_out = KnockOut{0.5, 0.9, {0.1, 0.2}, {-0.1, 0}, {1, 2, 3, 4, 5, 6}};
  layer.similarity = Similarity{3, true, {1, 0.5, 0.5, 1}};
  layer.top_tokens = {{{"\"e\"", 30, 60, "<b>th", "e", " end"}}, {}};
  return layer;
}

RoutingProfile profile() {
  RoutingProfile profile;
  profile.about = Table{{"split", "test"}, {"step", 40}};
  profile.num_examples = 5;
  profile.loss = 0.25;
  profile.accuracy = 0.5;
  profile.cost = {{1.5, 13, 0}, {2.5, 13, 0}};
  profile.dense_macs = 9;
  profile.latency = {{1, 64, 2, 0.5, 0.75}, {128, 16, 2, 20, 30}};
  profile.layers = {layer()};
  profile.random_router = {layer()};
  profile.random_router[0].knock_out.reset();
  return profile;
}

TEST(RoutingFile, GivesBackWhatWasWritten) {
  const fixtures::TemporaryFolder folder;
  write_routing(folder / "r", profile());
  const auto read = read_routing(folder / "r");
  EXPECT_EQ(read.about, profile().about);
  EXPECT_EQ(read.num_examples, 5);
  EXPECT_EQ(read.loss, 0.25);
  EXPECT_EQ(read.accuracy, 0.5);
  EXPECT_EQ(read.cost.executed.macs, 2.5);
  EXPECT_EQ(read.cost.routed.params, 13);
  EXPECT_EQ(read.dense_macs, 9);
  ASSERT_EQ(read.latency.size(), 2U);
  EXPECT_EQ(read.latency[1].batch, 128);
  EXPECT_EQ(read.latency[1].num_passes, 16);
  EXPECT_EQ(read.latency[0].threads, 2);
  EXPECT_EQ(read.latency[0].p95_ms, 0.75);
  ASSERT_EQ(read.layers.size(), 1U);
  EXPECT_EQ(read.layers[0].group("modality")->shuffled_information, (std::vector<double>{0.25, 0.5}));
  EXPECT_TRUE(read.layers[0].group("class")->shuffled_information.empty());
  const auto& one = read.layers[0];
  const auto expected = layer();
  ASSERT_EQ(one.top_tokens.size(), 2U);
  ASSERT_EQ(one.top_tokens[0].size(), 1U);
  EXPECT_EQ(one.top_tokens[0][0].symbol, "\"e\"");
  EXPECT_EQ(one.top_tokens[0][0].count, 30);
  EXPECT_EQ(one.top_tokens[0][0].tokens, 60);
  EXPECT_EQ(one.top_tokens[0][0].before + one.top_tokens[0][0].shown + one.top_tokens[0][0].after, "<b>the end");
  EXPECT_EQ(one.experts[0].name, "a \"b\" <i>");
  EXPECT_EQ(one.experts[1].id, 7);
  EXPECT_EQ(one.experts[0].macs, 2.5);
  EXPECT_EQ(one.counts.layer, "layers.3");
  EXPECT_EQ(one.counts.count_E, expected.counts.count_E);
  EXPECT_EQ(one.counts.num_dropped, 2);
  EXPECT_EQ(one.pair_EE, expected.pair_EE);
  EXPECT_EQ(one.k_histogram, expected.k_histogram);
  ASSERT_NE(one.group("class"), nullptr);
  EXPECT_EQ(one.group("class")->labels, expected.groups[0].labels);
  EXPECT_EQ(one.group("class")->count_EG, expected.groups[0].count_EG);
  EXPECT_EQ(one.group("class")->token_G, expected.groups[0].token_G);
  EXPECT_EQ(one.confidence->margin_bins, expected.confidence->margin_bins);
  EXPECT_EQ(one.confidence->entropy_sum, 1.5);
  EXPECT_EQ(one.shuffled_information, expected.shuffled_information);
  EXPECT_EQ(one.sample.id_TK, expected.sample.id_TK);
  EXPECT_EQ(one.knock_out->loss_change_EY, expected.knock_out->loss_change_EY);
  EXPECT_EQ(one.similarity->cka_EE, expected.similarity->cka_EE);
  ASSERT_EQ(read.random_router.size(), 1U);
  EXPECT_FALSE(read.random_router[0].knock_out);
}

TEST(RoutingFile, EqualProfilesGiveEqualBytes) {
  const fixtures::TemporaryFolder folder;
  write_routing(folder / "a", profile());
  write_routing(folder / "b", profile());
  EXPECT_EQ(io::read_file(folder / "a"), io::read_file(folder / "b"));
}

TEST(RoutingFile, ALossThatIsNoNumberComesBackAsNone) {
  const fixtures::TemporaryFolder folder;
  RoutingProfile unknown = profile();
  unknown.loss = std::numeric_limits<double>::quiet_NaN();
  write_routing(folder / "routing.safetensors", unknown);
  EXPECT_TRUE(std::isnan(read_routing(folder / "routing.safetensors").loss));
}

TEST(RoutingFile, WithoutAnyLayerIsAFileToo) {
  const fixtures::TemporaryFolder folder;
  write_routing(folder / "r", {});
  EXPECT_TRUE(read_routing(folder / "r").layers.empty());
}

TEST(RoutingFile, RefusesOtherFilesAndOnesThatDoNotFitTogether) {
  const fixtures::TemporaryFolder folder;
  const auto message = [&](const std::string& name) {
    return fixtures::message_of<FormatError>([&] { read_routing(folder / name); });
  };
  io::write_safetensors(folder / "model", {{"w", torch::ones({2})}});
  EXPECT_NE(message("model").find("is not a file of routing statistics"), std::string::npos);

  write_routing(folder / "r", profile());
  const io::SafetensorsFile file(folder / "r");
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const auto& name : file.names()) tensors.emplace_back(name, file.tensor(name));
  const auto damaged = [&](const std::string& name, const torch::Tensor& tensor) {
    auto changed = tensors;
    for (auto& [known, value] : changed) {
      if (known == name) value = tensor;
    }
    io::write_safetensors(folder / "d", changed, file.metadata());
    return message("d");
  };
  EXPECT_NE(damaged("layers.3.pair_EE", torch::zeros({2, 3}, torch::kInt64)).find("pair_EE: expected Long [2, 2]"),
            std::string::npos);
  EXPECT_NE(damaged("layers.3.count_E", torch::ones({2})).find("count_E: expected Long [2], got Float [2]"),
            std::string::npos);
  EXPECT_NE(damaged("layers.3.count_E", torch::full({2}, -5, torch::kInt64)).find("expected counts, got -5"),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::routing_file_test
