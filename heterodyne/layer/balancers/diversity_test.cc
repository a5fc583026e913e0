#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::diversity_test {
namespace {

torch::Tensor loss_of(const torch::Tensor& embedding_EP) {
  const int64_t E = embedding_EP.size(0);
  const auto routing = make_routing({torch::zeros({1, 1}, torch::kInt64), torch::ones({1, 1}), {}, {}},
                                    {torch::zeros({1, 1}), 1, 1, {}, {}, {}}, E);
  BalanceInput input(routing);
  input.embedding_EP = embedding_EP;
  return balancers().make(Member(Table{{"kind", "diversity"}}))->loss(input);
}

// Cosines 0 and, twice, root of a half; each pair counts twice: root(2 x (0 + .5 + .5)).
TEST(Diversity, IsTheNormOfTheCosinesOfDifferentExperts) {
  const auto embedding_EP = torch::tensor({{1.0, 0.0}, {0.0, 2.0}, {3.0, 3.0}}, torch::kFloat64);
  EXPECT_NEAR(loss_of(embedding_EP).item<double>(), std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(loss_of(embedding_EP * 7).item<double>(), std::sqrt(2.0), 1e-12) << "lengths do not matter";
}

TEST(Diversity, RightAnglesCostNothingAndHaveNoGradient) {
  const auto embedding_EP = torch::eye(3, torch::kFloat64).requires_grad_();
  const auto loss = loss_of(embedding_EP);
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(torch::autograd::grad({loss}, {embedding_EP})[0].abs().max().item<double>(), 0);
}

TEST(Diversity, ARouterWithoutEmbeddingsIsRefused) {
  const auto message = fixtures::message_of<ConfigError>([] {
    fixtures::layer_of(
        {{"router", Table{{"kind", "round_robin"}}}, {"balancers", Array{Table{{"kind", "diversity"}}}}});
  });
  EXPECT_EQ(message,
            "[moe.balancers.0] kind: expected a router that compares tokens with an embedding of each expert beside "
            "it, got router \"round_robin\", which has none; choose another router or another balancer");
}

TEST(Diversity, WorksBesideALinearGate) {
  const auto layer = fixtures::layer_of({{"balancers", Array{Table{{"kind", "diversity"}}}}});
  const auto output = layer->forward({fixtures::normal("x", {2, 4, 16}), {}, {3, 5}}, nullptr);
  ASSERT_EQ(output.losses.size(), 1U);
  EXPECT_EQ(output.losses[0].first, "layers.0.diversity");
  output.losses[0].second.backward();
  EXPECT_GT(layer->router().embeddings().grad().abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace heterodyne::diversity_test
