#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::mobilenet_v2_test {
namespace {

std::shared_ptr<Network> model_of(double multiplier, int64_t size, const Table& more = {}) {
  Table settings{{"kind", "mobilenet_v2"}, {"multiplier", multiplier}};
  for (const auto& [key, value] : more.entries()) settings.set(key, value);
  DataShape shape;
  shape.channels = 3;
  shape.height = shape.width = size;
  shape.num_classes = 1000;
  auto model = networks().make(Member(settings), NetworkContext{shape, 1});
  model->eval();
  return model;
}

// The published model has 3,504,872 parameters and takes 300 million multiply-adds (Sandler et al. 2018, table 4); of
// these 1.28 million are the head's, which are not counted here.
TEST(MobileNetV2, HasThePublishedSize) {
  const auto model = model_of(1, 224);
  EXPECT_EQ(num_params(*model), 3'504'872);
  EXPECT_NEAR(even_cost(*model).routed.macs, 300e6, 3e6);
}

// Keras's model without its top at 0.35 has 410,208 values, of which moving means and variances take a quarter of the
// normalisations' 4 x 7,048.
TEST(MobileNetV2, ASmallOneGivesFeatures) {
  const auto model = model_of(0.35, 32, {{"output", "features"}});
  int64_t values = num_params(*model);
  for (const auto& buffer : model->buffers()) values += buffer.numel();
  EXPECT_EQ(values, 410'208);
  Batch batch;
  batch.inputs = torch::zeros({2, 3, 32, 32});
  EXPECT_EQ(model->forward(batch, nullptr).logit_BY.sizes(), (std::vector<int64_t>{2, 1280}));
}

TEST(MobileNetV2, OddSizesAreRoundedUp) {
  Batch batch;
  batch.inputs = torch::zeros({1, 3, 33, 35});
  EXPECT_EQ(model_of(0.35, 33, {{"classes", 7}})->forward(batch, nullptr).logit_BY.sizes(),
            (std::vector<int64_t>{1, 7}));
}

TEST(MobileNetV2, RefusesWhatDoesNotFit) {
  DataShape text;
  text.vocabulary = 5;
  EXPECT_EQ(fixtures::message_of<ConfigError>(
                [&] { networks().make(Member(Table{{"kind", "mobilenet_v2"}}), NetworkContext{text, 1}); }),
            "[network.mobilenet_v2] kind: expected data of images for \"mobilenet_v2\", got text");
  Batch batch;
  batch.inputs = torch::zeros({1, 1, 32, 32});
  EXPECT_THROW(model_of(0.35, 32)->forward(batch, nullptr), ShapeError);
}

}  // namespace
}  // namespace heterodyne::mobilenet_v2_test
