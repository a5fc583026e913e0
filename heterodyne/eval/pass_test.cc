#include "heterodyne/eval/pass.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::pass_test {
namespace {

class PassTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset =
      datasets().make(Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 25}, {"size", 8}}),
                      DataContext{{}, 0.2, {}});

  std::vector<int64_t> batch_sizes(PassOptions options) {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 10});
    std::vector<int64_t> sizes;
    each_batch(loader, options, [&](const Batch& batch) {
      EXPECT_EQ(batch.inputs.scalar_type(), options.dtype);
      EXPECT_EQ(batch.inputs.size(0), batch.label_B.size(0));
      sizes.push_back(batch.index_B.size(0));
    });
    return sizes;
  }
};

TEST_F(PassTest, SeesEachExampleOnce) {
  EXPECT_EQ(batch_sizes({}), (std::vector<int64_t>{10, 10, 5}));
  EXPECT_EQ(batch_sizes({torch::kFloat64, 0, {}}), (std::vector<int64_t>{10, 10, 5}));
}

TEST_F(PassTest, EndsAtTheLimit) {
  EXPECT_EQ(batch_sizes({torch::kFloat32, 13, {}}), (std::vector<int64_t>{10, 3}));
  EXPECT_EQ(batch_sizes({torch::kFloat32, 10, {}}), (std::vector<int64_t>{10}));
  EXPECT_EQ(batch_sizes({torch::kFloat32, 1000, {}}), (std::vector<int64_t>{10, 10, 5}));
}

TEST_F(PassTest, EndsWhenToldTo) {
  EXPECT_EQ(batch_sizes({torch::kFloat32, 0, [](int64_t done) { return done < 2; }}), (std::vector<int64_t>{10, 10}));
}

TEST(RouterStandIn, LeavesTheLayerAsItWasEvenAfterAnException) {
  const auto layer = fixtures::layer_of(Table{});
  const Router* own = &layer->router();
  const auto weight = layer->named_parameters()["router.gate.weight"];
  try {
    const RouterStandIn stand_in(*layer, layer->make_router({9, "layers.0.router"}));
    EXPECT_NE(&layer->router(), own);
    EXPECT_FALSE(layer->router().is_training());
    EXPECT_FALSE(layer->named_parameters()["router.gate.weight"].equal(weight));
    throw Error("in between");
  } catch (const Error&) {
  }
  EXPECT_EQ(&layer->router(), own);
  EXPECT_TRUE(layer->named_parameters()["router.gate.weight"].equal(weight));
  EXPECT_TRUE(layer->router().is_training());
}

}  // namespace
}  // namespace heterodyne::pass_test
