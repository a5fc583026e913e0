#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::lstm_classifier_test {
namespace {

std::shared_ptr<Network> model_of(Table settings) {
  settings.set("kind", "lstm_classifier");
  if (!settings.contains("moe")) settings.set("moe", Table{{"experts", Array{Table{{"kind", "mlp"}, {"count", 3}}}}});
  return networks().make(Member(settings), NetworkContext{{3, 4, 5, 10}, 1});
}

// A step is a row of pixels with all its channels: what the first LSTM reads first is row 0 of every channel.
TEST(LstmClassifier, ReadsRowAfterRow) {
  const auto model = model_of({});
  model->eval();
  const auto images = fixtures::normal("images", {2, 3, 4, 5});
  torch::Tensor seen, seen_other;
  const auto first_step = [&](const torch::Tensor& inputs) {
    torch::Tensor value;
    RoutingLog log;
    log.on_value = [&](const std::string& name, const torch::Tensor& x) {
      if (name == "lstms.0") value = x.select(1, 0);
    };
    model->forward({inputs, {}, {}, {}, {}}, &log);
    return value;
  };
  auto other = images.clone();
  other.narrow(2, 1, 3).fill_(7);  // every row but the first
  EXPECT_TRUE(torch::equal(first_step(images), first_step(other)));
  other.select(2, 0).select(1, 2).fill_(7);  // row 0 of the last channel
  EXPECT_FALSE(torch::equal(first_step(images), first_step(other)));
}

TEST(LstmClassifier, BothDirectionsStandAfterEachOther) {
  const auto model = model_of({{"bidirectional", true}, {"width", 6}});
  const auto logits = model->forward({fixtures::normal("images", {2, 3, 4, 5}), {}, {}, {}, {}}, nullptr).logit_BY;
  EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, 10}));
}

TEST(LstmClassifier, RefusesOneLayer) {
  EXPECT_EQ(
      fixtures::message_of<ConfigError>([] { model_of({{"layers", 1}}); }),
      "[network.lstm_classifier] layers: expected at least 2, as the Mixture of Experts stands between LSTMs, got 1");
}

}  // namespace
}  // namespace heterodyne::lstm_classifier_test
