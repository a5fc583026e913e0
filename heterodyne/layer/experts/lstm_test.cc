#include <ATen/ops/lstm.h>
#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::lstm_test {
namespace {

constexpr int64_t B = 2, S = 5, D = 6;

std::shared_ptr<Expert> lstm(int64_t hidden = 0, int64_t output_width = D) {
  return experts().make(Member(Table{{"kind", "lstm"}, {"hidden", hidden}}),
                        ExpertContext{D, output_width, 0, {7, "e"}});
}

// The library's LSTM over the whole sequences: [B, S, H].
torch::Tensor over_the_sequences(const Expert& expert, const torch::Tensor& x_BSD) {
  const auto p = expert.named_parameters();
  const auto zero = torch::zeros({1, x_BSD.size(0), p["lstm.hidden_weight"].size(1)});
  const std::vector<torch::Tensor> parameters = {p["lstm.input_weight"], p["lstm.hidden_weight"], p["lstm.input_bias"],
                                                 p["lstm.hidden_bias"]};
  return std::get<0>(at::lstm(x_BSD, {zero, zero}, parameters, true, 1, 0, false, false, true));
}

TEST(LstmExpert, EqualsTheLibrarysLstmAtItsRows) {
  const auto expert = lstm();
  const auto x_BSD = fixtures::normal("x", {B, S, D});
  const auto token_N = torch::tensor({1, 4, 7}, torch::kInt64);
  const auto rows = x_BSD.view({B * S, D}).index_select(0, token_N);
  const auto expected = over_the_sequences(*expert, x_BSD).reshape({B * S, D}).index_select(0, token_N);
  EXPECT_TRUE(torch::allclose(expert->forward({rows, token_N, x_BSD, {}, {}}), expected, 1e-5, 1e-6));
}

TEST(LstmExpert, AStateOfItsOwnWidthIsMappedToTheAnswer) {
  const auto expert = lstm(9, 4);
  const auto x_BSD = fixtures::normal("x", {B, S, D});
  const auto p = expert->named_parameters();
  const auto expected =
      torch::matmul(over_the_sequences(*expert, x_BSD).reshape({B * S, 9}), p["output.weight"].t()) + p["output.bias"];
  const auto y = expert->forward({x_BSD.view({B * S, D}), torch::arange(B * S), x_BSD, {}, {}});
  EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-6));
}

// Padding before, between and after the tokens: as if it were cut out.
TEST(LstmExpert, PaddingIsSkipped) {
  const auto expert = lstm();
  const auto short_BSD = fixtures::normal("x", {1, 3, D});
  auto x_BSD = torch::full({1, 6, D}, std::numeric_limits<float>::quiet_NaN());
  const auto place = torch::tensor({1, 2, 4}, torch::kInt64);
  x_BSD.index_copy_(1, place, short_BSD);
  const auto mask_BS = torch::tensor({{false, true, true, false, true, false}});
  const auto y = expert->forward({short_BSD[0], place, x_BSD, mask_BS, {}});
  EXPECT_TRUE(torch::allclose(y, over_the_sequences(*expert, short_BSD)[0], 1e-5, 1e-6));
}

// Two of six tokens ask for the state, all six are read.
TEST(LstmExpert, CostsAStepForEachTokenOfTheBatch) {
  const auto cost = lstm(9, 4)->cost({2, 6, 3});
  const double step = 4 * 9 * (D + 9), output = 9 * 4;
  EXPECT_EQ(cost.routed.macs, 2 * (step + output));
  EXPECT_EQ(cost.executed.macs, 6 * step + 2 * output);
}

}  // namespace
}  // namespace heterodyne::lstm_test
