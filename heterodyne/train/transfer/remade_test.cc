#include "heterodyne/train/transfer/remade.h"

#include <gtest/gtest.h>

#include <map>

#include "heterodyne/model/load.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::remade_test {
namespace {

TrainedModel small() {
  TrainedModel model{fixtures::small_experiment(), {}, nullptr};
  model.network = make_network(model.experiment);
  model.network->eval();
  return model;
}

TEST(Remade, WithTheSameSettingsAndValuesItAnswersTheSame) {
  const auto model = small();
  const DataShape data = network_shape(model.experiment);
  auto other = remade(model, *model.experiment.resolved.find("model")->if_table());
  EXPECT_FALSE(other.network->is_training());
  {
    const torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : state_of(*other.network)) {
      if (tensor.is_floating_point()) tensor.add_(0.25);
    }
  }
  EXPECT_GT(disparity(*model.network, *other.network, data), 1e-3);
  take_values(*other.network, *model.network);
  EXPECT_EQ(disparity(*model.network, *other.network, data), 0);
}

TEST(Remade, PicturesThatComeWithTextsGetSome) {
  DataShape data{3, 8, 6, 4, 50, 7};
  const Batch batch = random_batch(data);
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{4, 3, 8, 6}));
  EXPECT_EQ(batch.text_BS.sizes(), (std::vector<int64_t>{4, 7}));
  EXPECT_LT(batch.text_BS.max().item<int64_t>(), 50);
  EXPECT_GT(batch.text_BS.max().item<int64_t>(), 25) << "of 28 drawn from 50";
  data.vocabulary = data.length = 0;
  EXPECT_FALSE(random_batch(data).text_BS.defined());
}

TEST(Remade, AnswersOfOtherShapesAreFarApart) {
  const auto model = small();
  const DataShape data = network_shape(model.experiment);
  auto wider = data;
  wider.num_classes = data.num_classes + 1;
  const auto other = networks().make(model.experiment.options.model, NetworkContext{wider, 1});
  other->eval();
  EXPECT_EQ(disparity(*model.network, *other, data), std::numeric_limits<double>::infinity());
}

TEST(Remade, ValuesAreTakenButForThoseThatAreLeftOut) {
  const auto model = small();
  auto other = remade(model, *model.experiment.resolved.find("model")->if_table());
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(*other.network)) tensor.zero_();
  const auto all = state_of(*model.network);
  const std::string left_out = all.front().first;
  take_values(*other.network, *model.network, left_out);
  const std::map<std::string, torch::Tensor> expected(all.begin(), all.end());
  for (const auto& [name, tensor] : state_of(*other.network)) {
    const auto& value = expected.at(name);
    const bool is_left_out = name.find(left_out) != std::string::npos;
    EXPECT_TRUE(torch::equal(tensor, is_left_out ? torch::zeros_like(value) : value)) << name;
  }
}

}  // namespace
}  // namespace heterodyne::remade_test
