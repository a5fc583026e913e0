#include "heterodyne/layer/recompute.h"

#include <c10/core/Allocator.h>
#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/nn/fixtures.h"

namespace heterodyne::recompute_test {
namespace {

constexpr int64_t kWidth = 16, kTokens = 32;

Table two_of(const std::string& kind) {
  return {{"router", Table{{"kind", "top_k"}, {"k", 2}}}, {"experts", Array{Table{{"kind", kind}, {"count", 2}}}}};
}

// The answer, then the gradients of the input and of every parameter that has one.
std::vector<torch::Tensor> pass(Table settings, bool recompute) {
  settings.set("recompute", recompute);
  const auto layer = fixtures::layer_of(settings, kWidth);
  layer->train();
  const auto x_BSD = fixtures::normal("x", {2, kTokens / 2, kWidth}).requires_grad_();
  const auto y_BSO = layer->forward({x_BSD, {}, {3, 5}}, nullptr).y_BSO;
  y_BSO.pow(2).sum().backward();
  std::vector<torch::Tensor> all{y_BSO.detach(), x_BSD.grad()};
  for (const auto& parameter : layer->parameters()) {
    if (parameter.grad().defined()) all.push_back(parameter.grad());
  }
  return all;
}

class RecomputeContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, RecomputeContract, testing::ValuesIn(experts().names()),
                         [](const auto& test) { return test.param; });

TEST_P(RecomputeContract, ChangesNeitherAnswersNorGradients) {
  const auto plain = pass(two_of(GetParam()), false), again = pass(two_of(GetParam()), true);
  ASSERT_EQ(plain.size(), again.size()) << "as many parameters have a gradient";
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(torch::equal(plain[i], again[i])) << i;
}

// What is still held after a forward pass whose graph is alive.
template <class Forward>
int64_t held_after(const Forward& forward) {
  const auto bytes = std::make_shared<fixtures::HeldBytes>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, bytes);
  const auto output = forward();
  EXPECT_TRUE(output.y_BSO.requires_grad());
  return bytes->held();
}

int64_t bytes_after_forward(bool recompute) {
  const auto layer = fixtures::layer_of({{"recompute", recompute},
                                         {"router", Table{{"kind", "top_k"}, {"k", 2}}},
                                         {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 1024}, {"count", 4}}}}},
                                        kWidth);
  const auto x_BSD = fixtures::normal("x", {2, kTokens / 2, kWidth});
  return held_after([&] { return layer->forward({x_BSD, {}, {3, 5}}, nullptr); });
}

TEST(Recompute, HoldsNoHiddenValuesBetweenThePasses) {
  const int64_t hidden = 2 * kTokens * 1024 * int64_t{sizeof(float)};  // of all pairs
  EXPECT_GE(bytes_after_forward(false), hidden) << "before the activation";
  EXPECT_LT(bytes_after_forward(true), hidden / 8);
}

// A shared expert answers every token.
TEST(Recompute, HoldsNoHiddenValuesOfSharedExpertsEither) {
  const int64_t hidden = kTokens * 1024 * int64_t{sizeof(float)};
  const auto bytes_of = [](bool recompute) {
    const auto layer = fixtures::layer_of({{"recompute", recompute},
                                           {"experts", Array{Table{{"kind", "zero"}, {"count", 2}}}},
                                           {"shared", Array{Table{{"kind", "swiglu"}, {"hidden", 1024}}}}},
                                          kWidth);
    return held_after(
        [&] { return layer->forward({fixtures::normal("x", {2, kTokens / 2, kWidth}), {}, {3, 5}}, nullptr); });
  };
  EXPECT_GE(bytes_of(false), 3 * hidden);
  EXPECT_LT(bytes_of(true), hidden / 8);
}

TEST(Recompute, WithoutGradientsNothingIsKept) {
  const torch::NoGradGuard guard;
  const auto layer = fixtures::layer_of({{"recompute", true}}, kWidth);
  EXPECT_FALSE(layer->forward({fixtures::normal("x", {1, 4, kWidth}), {}, {}}, nullptr).y_BSO.requires_grad());
}

TEST(Recompute, FrozenExpertsPassTheGradientOn) {
  Table settings = two_of("mlp");
  settings.set("recompute", true);
  const auto layer = fixtures::layer_of(settings, kWidth);
  for (auto& slot : layer->slots()) {
    for (auto& parameter : slot.expert->parameters()) parameter.set_requires_grad(false);
  }
  const auto x_BSD = fixtures::normal("x", {1, 4, kWidth}).requires_grad_();
  layer->forward({x_BSD, {}, {}}, nullptr).y_BSO.sum().backward();
  EXPECT_TRUE(x_BSD.grad().defined());
  for (auto& slot : layer->slots()) {
    for (auto& parameter : slot.expert->parameters()) EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST(Recompute, ThereAreNoSecondDerivatives) {
  Table settings = two_of("lstm_cell");
  settings.set("recompute", true);
  const auto layer = fixtures::layer_of(settings, kWidth);
  const auto x_BSD = fixtures::normal("x", {1, 4, kWidth}).requires_grad_();
  const auto sum = layer->forward({x_BSD, {}, {}}, nullptr).y_BSO.sum();
  EXPECT_EQ(fixtures::message_of<Error>([&] { torch::autograd::grad({sum}, {x_BSD}, {}, true, true); }),
            "[nn.recompute] there are no second derivatives");
}

}  // namespace
}  // namespace heterodyne::recompute_test
