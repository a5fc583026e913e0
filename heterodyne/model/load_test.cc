#include "heterodyne/model/load.h"

#include <gtest/gtest.h>

#include "heterodyne/io/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/model/compact.h"

namespace heterodyne::load_test {
namespace {

class LoadTest : public testing::Test {
 protected:
  static std::shared_ptr<Network> network_of(int64_t width, uint64_t seed) {
    const Table settings{
        {"kind", "dmmoe"}, {"width", width}, {"stem", "conv"}, {"moe", Table{{"experts", fixtures::mixed_experts()}}}};
    return networks().make(Member(settings), NetworkContext{{1, 16, 16, 3}, seed});
  }

  std::string save(Network& network) const {
    const std::string path = folder_ / "model.safetensors";
    io::write_safetensors(path, state_of(network));
    return path;
  }

  static void load(Network& network, const Table& topology, const std::string& path) {
    load_network(network, topology, io::SafetensorsFile(path), path);
  }

  const fixtures::TemporaryFolder folder_;
};

TEST_F(LoadTest, EveryValueComesBack) {
  const auto saved = network_of(16, 1), loaded = network_of(16, 2);
  saved->forward({fixtures::normal("x", {4, 1, 16, 16}), {}, {}, {}, {}}, nullptr);  // moves the running averages
  load(*loaded, topology_of(*saved), save(*saved));
  const auto expected = state_of(*saved), got = state_of(*loaded);
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].first, expected[i].first);
    EXPECT_TRUE(torch::equal(got[i].second, expected[i].second)) << got[i].first;
  }
}

// Through a file: from compact to compact, and to float32.
TEST_F(LoadTest, CompactWeightsAreSavedAsWhatTheyStandFor) {
  const auto saved = network_of(16, 1), loaded = network_of(16, 2), wide = network_of(16, 3);
  compact_weights(*saved, ops::Compact::kBf16);
  compact_weights(*loaded, ops::Compact::kBf16);
  const std::string path = save(*saved);
  load(*loaded, topology_of(*saved), path);
  load(*wide, topology_of(*saved), path);
  const auto expected = state_of(*saved), got = state_of(*loaded), whole = state_of(*wide);
  int64_t num_short = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    num_short += expected[i].second.scalar_type() == torch::kBFloat16;
    EXPECT_FALSE(expected[i].second.isnan().any().item<bool>()) << expected[i].first;
    EXPECT_TRUE(torch::equal(expected[i].second, got[i].second)) << expected[i].first;
    EXPECT_TRUE(torch::equal(expected[i].second.to(whole[i].second.scalar_type()), whole[i].second)) << whole[i].first;
  }
  EXPECT_GT(num_short, 3);
  const auto other = network_of(16, 4);
  compact_weights(*other, ops::Compact::kInt8);
  EXPECT_THROW(state_of(*other), Error) << "it would lose digits each time";
}

TEST_F(LoadTest, ANetworkTakesTheExpertsOfTheFile) {
  const auto saved = network_of(16, 1), loaded = network_of(16, 2);
  remove_expert(*saved->moe_layers()[0], 1);
  add_expert(*saved->moe_layers()[0], {.group = 0, .copy_of = {}});
  load(*loaded, topology_of(*saved), save(*saved));
  EXPECT_EQ(loaded->moe_layers()[0]->ids(), (std::vector<int64_t>{0, 4, 2, 3}));
  const Batch batch{fixtures::normal("x", {4, 1, 16, 16}), {}, {}, {}, {1, 1}};
  EXPECT_TRUE(torch::equal(saved->forward(batch, nullptr).logit_BY, loaded->forward(batch, nullptr).logit_BY));
}

TEST_F(LoadTest, AnotherNetworksFileIsRefused) {
  const auto saved = network_of(16, 1), wide = network_of(32, 2);
  const std::string path = save(*saved);
  try {
    load(*wide, topology_of(*saved), path);
    FAIL();
  } catch (const FormatError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("model.safetensors: 0 of "), std::string::npos) << message;
    EXPECT_NE(message.find("of another shape (first: "), std::string::npos) << message;
    EXPECT_NE(message.find("it belongs to another network"), std::string::npos) << message;
  }
  const auto mlp = networks().make(Member(Table{{"kind", "mlp"}}), NetworkContext{{1, 16, 16, 3}, 1});
  EXPECT_THROW(load(*mlp, {}, path), FormatError);
  EXPECT_THROW(load(*network_of(16, 1), {}, path), FormatError) << "no experts named";
}

}  // namespace
}  // namespace heterodyne::load_test
