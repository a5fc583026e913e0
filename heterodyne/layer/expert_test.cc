// The promises of expert.h, kept by every kind.
#include "heterodyne/layer/expert.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::expert_test {
namespace {

constexpr int64_t B = 3, S = 4, D = 8;

class ExpertContract : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<Expert> make(int64_t output_width = D) const {
    return experts().make(Member(Table{{"kind", GetParam()}}),
                          ExpertContext{D, output_width, 0, {7, "layers.0.experts.0"}});
  }

  static ExpertInput input_of(const torch::Tensor& x_BSD, const torch::Tensor& token_N) {
    return {x_BSD.reshape({-1, D}).index_select(0, token_N), token_N, x_BSD, {}, {3, 5}};
  }

  // Whether the answer depends on anything that has a gradient: not for "zero".
  bool has_gradient() const {
    const auto x = x_BSD.clone().requires_grad_();
    return make()->forward(input_of(x, token_N)).requires_grad();
  }

  const torch::Tensor x_BSD = fixtures::normal("x", {B, S, D});
  const torch::Tensor token_N = torch::tensor({0, 2, 3, 7, 8, 11}, torch::kInt64);
};
INSTANTIATE_TEST_SUITE_P(Kinds, ExpertContract, testing::ValuesIn(experts().names()),
                         [](const auto& test) { return test.param; });

TEST_P(ExpertContract, AnswersEachRow) {
  const auto y_ND = make()->forward(input_of(x_BSD, token_N));
  EXPECT_EQ(y_ND.sizes(), (std::vector<int64_t>{6, D}));
  EXPECT_TRUE(torch::isfinite(y_ND).all().item<bool>());
}

TEST_P(ExpertContract, AnswersNoRows) {
  const auto y_ND = make()->forward(input_of(x_BSD, torch::zeros({0}, torch::kInt64)));
  EXPECT_EQ(y_ND.sizes(), (std::vector<int64_t>{0, D}));
}

TEST_P(ExpertContract, AnAnswerDoesNotDependOnWhichOtherRowsCame) {
  const auto expert = make();
  for (const bool training : {true, false}) {
    expert->train(training);
    const auto all_ND = expert->forward(input_of(x_BSD, torch::arange(B * S)));
    const auto some_ND = expert->forward(input_of(x_BSD, token_N));
    // Matrix products of another height may round differently.
    EXPECT_TRUE(torch::allclose(some_ND, all_ND.index_select(0, token_N), 1e-5, 1e-5));
  }
}

TEST_P(ExpertContract, ARowWiseAnswerDoesNotDependOnOtherTokens) {
  const auto expert = make();
  if (expert->needs_context()) GTEST_SKIP() << "a context kind";
  auto other_BSD = x_BSD.clone();
  other_BSD.select(1, 1).fill_(9);
  const auto token = torch::tensor({0, 4}, torch::kInt64);
  EXPECT_TRUE(torch::equal(expert->forward(input_of(x_BSD, token)), expert->forward(input_of(other_BSD, token))));
}

TEST_P(ExpertContract, AnAnswerDoesNotDependOnOtherSequences) {
  auto other_BSD = x_BSD.clone();
  other_BSD.select(0, 1).fill_(9);
  const auto token = torch::tensor({0, 3, 10}, torch::kInt64);
  const auto expert = make();
  EXPECT_TRUE(torch::equal(expert->forward(input_of(x_BSD, token)), expert->forward(input_of(other_BSD, token))));
}

TEST_P(ExpertContract, ACausalAnswerDoesNotDependOnLaterTokens) {
  const auto expert = make();
  if (!expert->is_causal()) GTEST_SKIP() << "not causal";
  auto other_BSD = x_BSD.clone();
  other_BSD.narrow(1, 2, S - 2).fill_(9);
  const auto token = torch::tensor({0, 1, 4, 5, 9}, torch::kInt64);
  EXPECT_TRUE(torch::allclose(expert->forward(input_of(x_BSD, token)), expert->forward(input_of(other_BSD, token)),
                              1e-6, 1e-6));
}

// In eval mode: draws are addressed by the token's place in the batch.
TEST_P(ExpertContract, AContinuedTextGivesTheSameNumbers) {
  const auto expert = make();
  if (!expert->is_causal()) GTEST_SKIP() << "not causal";
  expert->eval();
  const auto whole_BSD = expert->forward(input_of(x_BSD, torch::arange(B * S))).view({B, S, D});
  for (const int64_t P : {1, 3}) {
    auto input = input_of(x_BSD.narrow(1, P, S - P).contiguous(), torch::arange(B * (S - P)));
    input.past_BSD = x_BSD.narrow(1, 0, P);
    const auto rest_BSD = expert->forward(input).view({B, S - P, D});
    EXPECT_TRUE(torch::allclose(rest_BSD, whole_BSD.narrow(1, P, S - P), 1e-5, 1e-5)) << P;
  }
}

TEST_P(ExpertContract, APaddedTokenIsNotSeen) {
  auto input = input_of(x_BSD, torch::tensor({0, 1, 2}, torch::kInt64));
  input.mask_BS = torch::ones({B, S}, torch::kBool);
  input.mask_BS.select(1, 3).fill_(false);
  const auto expert = make();
  const auto y_ND = expert->forward(input);
  input.x_BSD = x_BSD.clone();
  input.x_BSD.select(1, 3).fill_(1e3);
  EXPECT_TRUE(torch::equal(expert->forward(input), y_ND));
}

// Smooth functions at step 1e-5 in float64: central differences agree to about 1e-8.
TEST_P(ExpertContract, GradientsByFiniteDifferences) {
  if (!has_gradient()) GTEST_SKIP() << "answers the same whatever it sees";
  const auto expert = make();
  expert->to(torch::kFloat64);
  const auto parameters = expert->parameters();
  const auto f = [&](const std::vector<torch::Tensor>& in) { return expert->forward(input_of(in[0], token_N)); };
  EXPECT_LT(ops::gradient_error(f, {x_BSD}), 1e-6);
}

TEST_P(ExpertContract, EveryParameterIsUsed) {
  const auto expert = make();
  if (expert->parameters().empty()) GTEST_SKIP() << "has no parameters";
  expert->forward(input_of(x_BSD, token_N)).pow(2).sum().backward();
  for (const auto& parameter : expert->named_parameters()) EXPECT_TRUE(parameter->grad().defined()) << parameter.key();
}

TEST_P(ExpertContract, CostsGrowWithRows) {
  const auto expert = make();
  const auto none = expert->cost({0, 12, S}), one = expert->cost({1, 12, S}), six = expert->cost({6, 12, S});
  EXPECT_EQ(none.routed.macs, 0);
  EXPECT_EQ(none.executed.macs, 0);
  EXPECT_DOUBLE_EQ(six.routed.macs, 6 * one.routed.macs);
  EXPECT_GE(six.executed.macs, one.executed.macs);
  int64_t count = 0;
  for (const auto& parameter : expert->parameters()) count += parameter.numel();
  EXPECT_EQ(one.routed.params, count);
}

TEST_P(ExpertContract, AnotherOutputWidthIsMadeOrRefused) {
  try {
    const auto expert = make(5);
    EXPECT_EQ(expert->forward(input_of(x_BSD, token_N)).sizes(), (std::vector<int64_t>{6, 5}));
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("expected an output width equal to the width 8, got 5"),
              std::string::npos);
  }
}

TEST_P(ExpertContract, RejectsTheWrongWidth) {
  const auto wide_BSD = torch::zeros({B, S, D + 1});
  EXPECT_THROW(make()->forward({torch::zeros({2, D + 1}), torch::arange(2), wide_BSD, {}, {}}), ShapeError);
}

}  // namespace
}  // namespace heterodyne::expert_test
