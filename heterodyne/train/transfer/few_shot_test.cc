#include "heterodyne/train/transfer/few_shot.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::few_shot_test {
namespace {

// One feature, at -1 for class 0 and at 1 for class 1, without decay of weights: the loss falls towards zero, weights
// of the classes are opposite and the bias is zero by symmetry. With decay the first condition of the minimum holds: (1
// / N) sum of (p_w - y_w) x + decay w = 0, with p_1 = 1 / (1 + exp(-2 w)) at x = 1, so 1 - p_1 = decay w.
TEST(SoftmaxRegression, FindsTheMinimum) {
  const auto x = torch::tensor({{-1.0}, {1.0}, {-1.0}, {1.0}}, torch::kFloat64);
  const auto label = torch::tensor({0, 1, 0, 1}, torch::kInt64);
  constexpr double kDecay = 0.1;
  const auto weight = softmax_regression(x, label, 2, kDecay);
  const double w = weight[1][0].item<double>();
  EXPECT_NEAR(weight[0][0].item<double>(), -w, 1e-9);
  EXPECT_NEAR(weight[1][1].item<double>(), 0, 1e-9);
  EXPECT_NEAR(1 - 1 / (1 + std::exp(-2 * w)), kDecay * w, 1e-6);
}

class FewShotTest : public testing::Test {
 protected:
  static Experiment experiment(const std::vector<std::string>& more = {}) {
    std::vector<std::string> settings{"model.dropout=0", "data.noise=0.2"};
    settings.insert(settings.end(), more.begin(), more.end());
    return fixtures::small_experiment(settings);
  }
  static FewShotOptions options(int64_t steps = 20) {
    FewShotOptions options;
    options.steps = steps;
    options.lr = 3e-3;
    return options;
  }

  std::unique_ptr<Dataset> dataset_ = make_dataset(experiment(), {}, {});
  std::shared_ptr<Network> network_ = make_network(experiment());
};

// Patterns of three classes under little noise: even features of an untrained network tell them apart better than
// chance, a third.
TEST_F(FewShotTest, EveryWayBeatsChanceAndLeavesTheNetworkAsItWas) {
  std::vector<torch::Tensor> before;
  for (const auto& [name, tensor] : state_of(*network_)) before.push_back(tensor.clone());
  FewShot few_shot(*network_, *dataset_, Split::kTest, Split::kTest, options());
  const EpisodeSampler sampler(dataset_->labels(Split::kTest), dataset_->class_names(), {3, 5, 10, 0});
  for (const auto& method : few_shot_methods()) {
    double sum = 0;
    for (int64_t number = 0; number < 3; ++number) sum += few_shot.accuracy(method, sampler.draw(number), number);
    EXPECT_GT(sum / 3, 0.5) << method;
  }
  size_t i = 0;
  for (const auto& [name, tensor] : state_of(*network_)) EXPECT_TRUE(torch::equal(tensor, before[i++])) << name;
  for (const auto& parameter : network_->named_parameters()) EXPECT_TRUE(parameter->requires_grad()) << parameter.key();
  EXPECT_TRUE(network_->is_training());
}

TEST_F(FewShotTest, EqualEpisodesGiveEqualAnswers) {
  FewShot few_shot(*network_, *dataset_, Split::kTrain, Split::kTest, options(5));
  const auto draw =
      balanced_draw(dataset_->labels(Split::kTrain), dataset_->labels(Split::kTest), dataset_->class_names(), 3, 0, 0);
  for (const auto& method : few_shot_methods())
    EXPECT_EQ(few_shot.accuracy(method, draw, 0), few_shot.accuracy(method, draw, 0)) << method;
}

// With nothing but the new head free, the frozen way is a probe: the answers differ from those of the free way.
TEST_F(FewShotTest, FrozenParametersDoNotLearn) {
  auto all = options(30);
  all.freeze = {"stem.*", "layers.*", "norm.*"};
  FewShot few_shot(*network_, *dataset_, Split::kTest, Split::kTest, all);
  auto none = options(30);
  none.freeze = {"head.*"};  // has no part in it
  FewShot free(*network_, *dataset_, Split::kTest, Split::kTest, none);
  const auto episode = EpisodeSampler(dataset_->labels(Split::kTest), dataset_->class_names(), {3, 5, 10, 0}).draw(0);
  EXPECT_EQ(free.accuracy("fine_tune_frozen", episode, 0), free.accuracy("fine_tune", episode, 0));
  EXPECT_GT(few_shot.accuracy("fine_tune_frozen", episode, 0), 1.0 / 3);
}

TEST_F(FewShotTest, ErrorsSayWhatIsExpected) {
  FewShot few_shot(*network_, *dataset_, Split::kTest, Split::kTest, options());
  const auto episode = EpisodeSampler(dataset_->labels(Split::kTest), dataset_->class_names(), {3, 5, 10, 0}).draw(0);
  EXPECT_NE(fixtures::message_of<ConfigError>([&] {
              few_shot.accuracy("guess", episode, 0);
            }).find("[fewshot] methods: expected some of nearest_mean, linear_probe, fine_tune_frozen, fine_tune"),
            std::string::npos);
  auto wrong = options();
  wrong.freeze = {"expert.*"};
  EXPECT_THROW(FewShot(*network_, *dataset_, Split::kTest, Split::kTest, wrong), ConfigError);
  const auto mlp = make_network(experiment({"model={ kind = \"mlp\" }"}));
  auto plain = options();
  plain.freeze.clear();
  FewShot shows_nothing(*mlp, *dataset_, Split::kTest, Split::kTest, plain);
  EXPECT_NE(fixtures::message_of<ConfigError>([&] {
              shows_nothing.accuracy("nearest_mean", episode, 0);
            }).find("expected a network that shows the features before its head"),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::few_shot_test
