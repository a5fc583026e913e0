#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::classifier_test {
namespace {

void set(MoeLayer& layer, const std::string& name, const torch::Tensor& value) {
  const torch::NoGradGuard no_grad;
  layer.named_parameters()[name].copy_(value);
}

// Two classifiers that give the same answer to every token: (3/4, 1/4) and (1/2, 1/2).
std::shared_ptr<MoeLayer> two_classifiers() {
  const auto layer = fixtures::layer_of({{"router", Table{{"kind", "top_k"}, {"k", 2}}},
                                         {"experts", Array{Table{{"kind", "classifier"}, {"count", 2}}}},
                                         {"combine", "log_mixture"}},
                                        2);
  for (const std::string expert : {"0", "1"}) {
    set(*layer, "experts." + expert + ".down.weight", torch::zeros({2, 128}));
    set(*layer, "experts." + expert + ".down.bias", torch::zeros({2}));
  }
  set(*layer, "experts.0.down.bias", torch::tensor({std::log(3.0F), 0.0F}));
  return layer;
}

TEST(ClassifierExpert, AnswersWithLogProbabilities) {
  const auto layer = two_classifiers();
  const auto answer = layer->slots()[0].expert->forward({torch::ones({3, 2}), torch::arange(3), {}, {}, {}});
  const auto wanted = torch::tensor({std::log(.75F), std::log(.25F)}).expand({3, 2});
  EXPECT_TRUE(torch::allclose(answer, wanted, 1e-6, 1e-6)) << answer;
}

// Scores (ln 4, 0) weigh the two with 4/5 and 1/5: 4/5 x 3/4 + 1/5 x 1/2 = .7 and 4/5 x 1/4 + 1/5 x 1/2 = .3. The cross
// entropy of that with the second class is -ln .3 = 1.203973.
TEST(ClassifierExpert, ALayerOfThemAnswersWithTheMixture) {
  const auto layer = two_classifiers();
  set(*layer, "router.gate.weight", torch::tensor({{std::log(4.0F), 0.0F}, {0.0F, 0.0F}}));
  layer->eval();
  const auto x_BSD = torch::tensor({{{1.0F, 0.0F}}});
  const auto y_BSO = layer->forward({x_BSD, {}, {3, 5}}, nullptr).y_BSO;
  EXPECT_TRUE(torch::allclose(y_BSO.exp(), torch::tensor({{{.7F, .3F}}}), 1e-6, 1e-6)) << y_BSO;
  EXPECT_NEAR(-y_BSO.log_softmax(2)[0][0][1].item<double>(), 1.203973, 1e-6) << "already normalised";
}

// The gradient of -ln .3 to a score of the first class in expert e is the share that e has in the probability .3, times
// p - target: of .3, expert 0 gives .2 and expert 1 gives .1; so 2/3 x .75 and 1/3 x .5 for the first class.
TEST(ClassifierExpert, TheMixturesGradientGoesToWhoExplainsTheClass) {
  const auto layer = two_classifiers();
  set(*layer, "router.gate.weight", torch::tensor({{std::log(4.0F), 0.0F}, {0.0F, 0.0F}}));
  layer->eval();
  const auto y_BSO = layer->forward({torch::tensor({{{1.0F, 0.0F}}}), {}, {3, 5}}, nullptr).y_BSO;
  (-y_BSO[0][0][1]).backward();
  const auto parameters = layer->named_parameters();
  EXPECT_NEAR(parameters["experts.0.down.bias"].grad()[0].item<double>(), 2.0 / 3 * .75, 1e-6);
  EXPECT_NEAR(parameters["experts.1.down.bias"].grad()[0].item<double>(), 1.0 / 3 * .5, 1e-6);
}

TEST(ClassifierExpert, WidthsMayDiffer) {
  const auto layer = fixtures::layer_of(
      {{"experts", Array{Table{{"kind", "classifier"}, {"hidden", Array{3, 5}}}}}, {"combine", "log_mixture"}}, 4);
  EXPECT_EQ(layer->slots()[0].expert->cost({1, 1, 1}).routed.macs, 2 * 3 * 4);
  EXPECT_EQ(layer->slots()[1].expert->cost({1, 1, 1}).routed.macs, 2 * 5 * 4);
}

}  // namespace
}  // namespace heterodyne::classifier_test
