#include "heterodyne/model/blocks/sparse_layers.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::sparse_layers_test {
namespace {

const Array kExperts{Table{{"kind", "mlp"}, {"count", 2}}};

SparseLayers section(const Table& settings) { return read_options<SparseLayers>(settings, {"model.moe", ""}); }

TEST(SparseLayers, AreThoseThatAreListedOrAll) {
  EXPECT_FALSE(section({}).contains(0));
  EXPECT_TRUE(section({{"experts", kExperts}}).contains(5));
  const auto some = section({{"experts", kExperts}, {"layers", Array{1}}});
  EXPECT_TRUE(some.contains(1) && !some.contains(0));
  EXPECT_NO_THROW(some.check(2));
}

TEST(SparseLayers, ThoseThatAreNotThereAreRefused) {
  const auto refusal = [](const Table& settings) {
    return fixtures::message_of<ConfigError>([&] { section(settings).check(2); });
  };
  EXPECT_EQ(refusal({{"experts", kExperts}, {"layers", Array{2}}}),
            "[model] moe.layers: expected indices below layers = 2, got 2");
  EXPECT_EQ(refusal({{"experts", kExperts}, {"layers", Array{1}}, {"layer", Table{{"0", Table()}}}}),
            "[model] moe.layer.0: expected the index of a layer that is a Mixture of Experts");
  EXPECT_EQ(refusal({{"balancers", Array{Table{{"kind", "z_loss"}}}}}),
            "[model] moe.balancers: has no effect while moe.experts = []; remove one of the two");
}

}  // namespace
}  // namespace heterodyne::sparse_layers_test
