// The promises of rival.h, kept by every kind.
#include "cli/bench/rival.h"

#include <gtest/gtest.h>

#include "cli/bench/measure_layer.h"

namespace heterodyne::rival_test {
namespace {

cli::LayerShape shape_of(int64_t E, int64_t k) {
  cli::LayerShape shape;
  shape.id = "small";
  shape.tokens = 12, shape.width = 8;
  shape.router = Member(Table{{"kind", "top_k"}, {"k", k}});
  shape.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", 4}, {"count", E}})};
  return shape;
}

class RivalContract : public testing::TestWithParam<std::string> {
 protected:
  const RivalKind& kind() const { return rivals().find(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Kinds, RivalContract, testing::ValuesIn(rivals().names()),
                         [](const auto& test) { return test.param; });

// Also with an expert that nobody chooses, with all chosen, and with one alone.
TEST_P(RivalContract, AnswersAsTheLayerDoes) {
  if (kind().is_dense) GTEST_SKIP() << "is made of other values";
  for (const auto& [E, k] : {std::pair<int64_t, int64_t>(4, 2), {3, 3}, {1, 1}, {40, 1}}) {
    const auto shape = shape_of(E, k);
    const auto layer = cli::make_layer(shape);
    const auto values = cli::values_of(*layer, shape);
    ASSERT_TRUE(values);
    const auto rival = kind().make(*values);
    auto x_BSD = cli::random_input(shape).requires_grad_();
    auto x_TD = x_BSD.detach().view({-1, 8}).clone().requires_grad_();
    const auto dy_TD = RandomStream("dy").normal({1, 0}, {12, 8});
    const auto y_BSD = layer->forward({x_BSD, {}, {1, 0}}, nullptr).y_BSO;
    EXPECT_TRUE(torch::allclose(rival->forward(x_TD), y_BSD.view({-1, 8}), 1e-4, 1e-5)) << E << " experts";
    y_BSD.backward(dy_TD.view(y_BSD.sizes()));
    rival->forward_backward(x_TD, dy_TD);
    EXPECT_TRUE(torch::allclose(x_TD.grad(), x_BSD.grad().view({-1, 8}), 1e-4, 1e-5)) << E << " experts";
  }
}

TEST_P(RivalContract, ADenseOneAnswersRows) {
  if (!kind().is_dense) GTEST_SKIP() << "is a layer of experts";
  const auto draw = [](const char* name, torch::IntArrayRef sizes) { return RandomStream(name).normal({1, 0}, sizes); };
  const RivalValues values{{}, draw("w1", {1, 5, 8}), draw("w3", {1, 5, 8}), draw("w2", {1, 8, 5}), 1};
  const auto rival = kind().make(values);
  const auto x_ND = draw("x", {7, 8}).requires_grad_();
  const auto y_ND = rival->forward(x_ND);
  EXPECT_EQ(y_ND.sizes(), x_ND.sizes());
  EXPECT_GT(y_ND.abs().max().item<double>(), 0);
  const PlainExpert plain{values.w1_EFD[0], values.w3_EFD[0], values.w2_EDF[0]};
  if (GetParam() != "dense_own") {
    EXPECT_TRUE(torch::allclose(y_ND, plain.forward(x_ND), 1e-4, 1e-4));
  }
  rival->forward_backward(x_ND, draw("dy", {7, 8}));
  rival->clear();
}

TEST(PlainExpert, AHandWorkedRow) {
  // W1 x = 2 and -1, W3 x = 3 and 5, W2 = (1, 10): silu(2) 3 + 10 silu(-1) 5.
  const PlainExpert expert{torch::tensor({{2.0, 0.0}, {0.0, -1.0}}), torch::tensor({{3.0, 0.0}, {0.0, 5.0}}),
                           torch::tensor({{1.0, 10.0}})};
  const double silu2 = 2 / (1 + std::exp(-2.0)), silu1 = -1 / (1 + std::exp(1.0));
  EXPECT_NEAR(expert.forward(torch::ones({1, 2})).item<double>(), 3 * silu2 + 50 * silu1, 1e-4);
}

}  // namespace
}  // namespace heterodyne::rival_test
