#include "heterodyne/eval/knock_out.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/eval/evaluate.h"
#include "heterodyne/eval/similarity.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::knock_out_test {
namespace {

Routing routing_of(const torch::Tensor& expert_TK, const torch::Tensor& weight_TK, torch::Tensor mask_T = {}) {
  const int64_t T = expert_TK.size(0);
  return make_routing({expert_TK.to(torch::kInt64), weight_TK, {}, {}}, {{}, 1, T, std::move(mask_T), {}, {}}, 3);
}

// The weight of each expert for each token; 0 where it is not chosen.
torch::Tensor weights_of(const Routing& routing) {
  return torch::zeros({routing.num_tokens(), routing.num_experts()})
      .index_put_({routing.plan.token_N, routing.plan.expert_N}, routing.weight_N);
}

TEST(WithoutExpert, WithOneChoiceItsTokensGetNone) {
  const auto routing = routing_of(torch::tensor({{0}, {1}, {0}}), torch::tensor({{1.0F}, {0.5F}, {1.0F}}));
  const auto reduced = without_expert(routing, 0);
  EXPECT_EQ(reduced.num_pairs(), 1);
  EXPECT_TRUE(weights_of(reduced).equal(torch::tensor({{0.F, 0.F, 0.F}, {0.F, .5F, 0.F}, {0.F, 0.F, 0.F}})));
  EXPECT_TRUE(weights_of(without_expert(routing, 2)).equal(weights_of(routing)));
}

// Token 0 keeps expert 0, 0.75 scaled up to 1; token 1 expert 2, 0.2 up to 0.8; token 2 had nothing of expert 1.
TEST(WithoutExpert, WithTwoChoicesTheOtherTakesItsWeight) {
  const auto routing =
      routing_of(torch::tensor({{0, 1}, {1, 2}, {2, 0}}), torch::tensor({{.75F, .25F}, {.6F, .2F}, {.5F, .5F}}));
  const auto expected = torch::tensor({{1.F, 0.F, 0.F}, {0.F, 0.F, .8F}, {.5F, 0.F, .5F}});
  EXPECT_TRUE(torch::allclose(weights_of(without_expert(routing, 1)), expected));
}

TEST(WithoutExpert, KeepsTheProportionsOfMoreThanOneOther) {
  const auto routing = routing_of(torch::tensor({{2, 0, 1}}), torch::tensor({{.5F, .3F, .2F}}));
  EXPECT_TRUE(torch::allclose(weights_of(without_expert(routing, 2)), torch::tensor({{.6F, .4F, 0.F}})));
}

TEST(WithoutExpert, PaddingNoPairsAndWeightsOfZeroAreNoTrouble) {
  const auto padded = routing_of(torch::tensor({{0}, {1}}), torch::ones({2, 1}), torch::tensor({true, false}));
  EXPECT_EQ(without_expert(padded, 0).num_pairs(), 0);
  EXPECT_EQ(without_expert(without_expert(padded, 0), 1).num_tokens(), 2);
  const auto zero = routing_of(torch::tensor({{0, 1}}), torch::tensor({{1.F, 0.F}}));
  EXPECT_TRUE(weights_of(without_expert(zero, 0)).equal(torch::zeros({1, 3})));
  EXPECT_EQ(without_expert(routing_of(torch::zeros({0, 2}), torch::zeros({0, 2})), 0).num_pairs(), 0);
}

class KnockOutTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 60}, {"size", 16}, {"classes", 4}}),
      DataContext{{}, 0.2, {}});
  std::shared_ptr<Network> network = network_of({{"router", Table{{"kind", "top_k"}, {"k", 1}}}}, 1);

  std::shared_ptr<Network> network_of(Table moe, int64_t layers) const {
    moe.set("experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}}});
    Array all;
    for (int64_t i = 0; i < layers; ++i) all.emplace_back(i);
    moe.set("layers", std::move(all));
    return networks().make(Member(Table{{"kind", "dmmoe"}, {"width", 16}, {"layers", layers}, {"moe", std::move(moe)}}),
                           NetworkContext{dataset->shape(), 1});
  }
  ClassificationMetrics metrics() {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 16});
    return evaluate(*network, loader, torch::kFloat32).metrics;
  }
  KnockOut measure(const std::function<bool(int64_t)>& on_batch = {}) {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 16});
    return knock_out(*network, loader, {torch::kFloat32, 0, on_batch}).at(0);
  }
  void expect_as_with_zeros();
};

// With one choice an expert that is taken away and one that answers 0 are the same.
void KnockOutTest::expect_as_with_zeros() {
  const auto result = measure();
  const auto whole = metrics();
  EXPECT_EQ(result.loss, whole.loss());
  EXPECT_EQ(result.accuracy, whole.accuracy());
  for (size_t e = 0; e < 3; ++e) {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> kept;
    auto parameters = network->moe_layers()[0]->slots()[e].expert->parameters();
    for (auto& parameter : parameters) kept.push_back(parameter.clone()), parameter.zero_();
    const auto without = metrics();
    for (size_t i = 0; i < kept.size(); ++i) parameters[i].copy_(kept[i]);
    EXPECT_NEAR(result.loss_change_E[e], without.loss() - whole.loss(), 1e-6);
    EXPECT_NEAR(result.accuracy_change_E[e], without.accuracy() - whole.accuracy(), 1e-12);
    for (size_t y = 0; y < 4; ++y) {
      EXPECT_NEAR(result.loss_change_EY[e * 4 + y], without.loss_by_class()[y] - whole.loss_by_class()[y], 1e-5);
    }
  }
  EXPECT_EQ(result.loss_change_EY.size(), 12U);
}

TEST_F(KnockOutTest, IsWhatAnExpertOfZerosWouldDo) { expect_as_with_zeros(); }

TEST_F(KnockOutTest, BalancersStillSeeTheEmbeddings) {
  network = network_of({{"router", Table{{"kind", "cosine"}, {"k", 1}}},
                        {"balancers", Array{Table{{"kind", "diversity"}}, Table{{"kind", "simplicity"}}}}},
                       1);
  expect_as_with_zeros();
}

TEST_F(KnockOutTest, TheNextLayerStillSeesTheScores) {
  network = network_of({{"router", Table{{"kind", "residual"}, {"k", 1}, {"weights", "score"}}}}, 2);
  expect_as_with_zeros();
}

// A text in 21 windows of 5 characters for each of 3 streams. evaluate() carries the state from window to window; so
// must the pass without an expert, whose state is another one.
class KnockOutOfTexts : public testing::Test {
 protected:
  KnockOutOfTexts() {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "abcde"[(i * i + i / 7) % 5];
    folder.put("text.txt", text);
    DataContext context{{folder.path()}, 0.1, {}};
    context.batch = 3;
    dataset = datasets().make(Member(Table{{"kind", "text_lm"}, {"path", "text.txt"}, {"length", 5}, {"test", 0.1}}),
                              context);
    network = networks().make(
        Member(Table{{"kind", "lstm_lm"},
                     {"width", 8},
                     {"moe", Table{{"router", Table{{"kind", "top_k"}, {"k", 1}}},
                                   {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}}}}}}}),
        NetworkContext{dataset->shape(), 1});
  }
  Loader loader() const { return Loader(*dataset, Split::kTrain, LoaderOptions{.batch = 3}); }
  ClassificationMetrics metrics() {
    auto batches = loader();
    return evaluate(*network, batches, torch::kFloat32).metrics;
  }

  fixtures::TemporaryFolder folder;
  std::unique_ptr<Dataset> dataset;
  std::shared_ptr<Network> network;
};

TEST_F(KnockOutOfTexts, CarryTheStateThroughTheText) {
  auto batches = loader();
  const auto result = knock_out(*network, batches, torch::kFloat32).at(0);
  const auto whole = metrics();
  EXPECT_EQ(result.loss, whole.loss());
  for (size_t e = 0; e < 3; ++e) {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> kept;
    auto parameters = network->moe_layers()[0]->slots()[e].expert->parameters();
    for (auto& parameter : parameters) kept.push_back(parameter.clone()), parameter.zero_();
    const auto without = metrics();
    for (size_t i = 0; i < kept.size(); ++i) parameters[i].copy_(kept[i]);
    EXPECT_NEAR(result.loss_change_E[e], without.loss() - whole.loss(), 1e-6);
  }
}

TEST_F(KnockOutOfTexts, APassMayEndInTheMiddleOfABatch) {
  auto batches = loader();
  PassOptions pass(torch::kFloat32, 7);
  EXPECT_EQ(evaluate(*network, batches, pass).metrics.num_examples(), 7 * 5);
  EXPECT_EQ(knock_out(*network, batches, pass).size(), 1U);
  EXPECT_EQ(expert_similarity(*network, batches, pass, 1000).size(), 1U);
}

TEST_F(KnockOutTest, LeavesTheNetworkAsItWas) {
  network->train();
  const Router* router = &network->moe_layers()[0]->router();
  const double before = metrics().loss();
  measure();
  EXPECT_THROW(measure([](int64_t) -> bool { throw Error("stop"); }), Error);
  EXPECT_EQ(&network->moe_layers()[0]->router(), router);
  EXPECT_TRUE(network->is_training());
  EXPECT_EQ(metrics().loss(), before);
}

}  // namespace
}  // namespace heterodyne::knock_out_test
