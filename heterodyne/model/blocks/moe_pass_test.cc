#include "heterodyne/model/blocks/moe_pass.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::moe_pass_test {
namespace {

Table layer_settings() {
  return {
      {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}}}},
      {"balancers", Array{Table{{"kind", "switch_loss"}}, Table{{"kind", "switch_loss"}, {"scope", "global_batch"}}}}};
}

TEST(MoePass, CollectsWhatEachLayerReturns) {
  const auto layer = fixtures::layer_of(layer_settings());
  Batch batch{fixtures::normal("images", {2, 16}), torch::zeros({2}, torch::kInt64), {}, {}, {3, 5}};
  MoePass pass(batch, nullptr);
  const auto x_BSD = fixtures::normal("x", {2, 4, 16});
  EXPECT_EQ(pass.run(*layer, x_BSD).sizes(), x_BSD.sizes());
  pass.run(*layer, x_BSD);
  NetworkOutput output;
  pass.finish(output);
  EXPECT_EQ(output.losses.size(), 4U);
  ASSERT_EQ(output.sums.size(), 2U);
  EXPECT_EQ(output.sums[0].at("tokens").item<double>(), 8);
  EXPECT_EQ(output.sums[0].at("assignments_E").sum().item<double>(), 16);
}

// The balance over a whole step looks at the assignments of its earlier batches: with all of them at one expert the
// loss is that expert's probability times three.
TEST(MoePass, GivesEachLayerTheSumsOfTheBatchesBefore) {
  const auto layer = fixtures::layer_of(layer_settings());
  Batch batch{fixtures::normal("images", {2, 16}), torch::zeros({2}, torch::kInt64), {}, {}, {3, 5}};
  const auto loss_of = [&](const Batch& from) {
    MoePass pass(from, nullptr);
    pass.run(*layer, fixtures::normal("x", {2, 4, 16}));
    NetworkOutput output;
    pass.finish(output);
    return output.losses[1].second.item<double>();
  };
  const double alone = loss_of(batch);
  batch.sums_before = {{{"assignments_E", torch::tensor({1e9, 0.0, 0.0}, torch::kFloat64)},
                        {"tokens", torch::tensor(5e8, torch::kFloat64)}}};
  EXPECT_NE(loss_of(batch), alone);
}

}  // namespace
}  // namespace heterodyne::moe_pass_test
