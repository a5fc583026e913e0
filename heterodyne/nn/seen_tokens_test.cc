#include "heterodyne/nn/seen_tokens.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::seen_tokens_test {
namespace {

// Two sequences of three tokens, of which the last of the first and the last two of the second are padding.
torch::Tensor mask_of_three() { return torch::tensor({{true, true, false}, {true, false, false}}); }

TEST(SeenTokens, AsksAboutThoseThatAreNotPadding) {
  const auto x_BSD = torch::arange(12, torch::kFloat64).view({2, 3, 2}).requires_grad_();
  const auto y_BSO = answer_seen(x_BSD, mask_of_three(), [](const torch::Tensor& x_ND, const torch::Tensor& token_N) {
    EXPECT_TRUE(torch::equal(token_N, torch::tensor({0, 1, 3})));
    return x_ND.sum(1, true) * 2;
  });
  EXPECT_TRUE(torch::equal(y_BSO.squeeze(2), torch::tensor({{2, 10, 0}, {26, 0, 0}}).to(torch::kFloat64)));
  y_BSO.sum().backward();
  const auto expected = mask_of_three().to(torch::kFloat64).mul(2).unsqueeze(2).expand({2, 3, 2});
  EXPECT_TRUE(torch::equal(x_BSD.grad(), expected));
}

TEST(SeenTokens, AsksAboutAllWithoutPaddingAndAboutNoneOfNothingElse) {
  const auto x_BSD = torch::randn({2, 3, 2});
  int64_t asked = -1;
  const auto part = [&](const torch::Tensor& x_ND, const torch::Tensor& token_N) {
    asked = token_N.size(0);
    return x_ND + 1;
  };
  EXPECT_TRUE(torch::equal(answer_seen(x_BSD, {}, part), x_BSD + 1));
  EXPECT_EQ(asked, 6);
  EXPECT_TRUE(torch::equal(answer_seen(x_BSD, torch::ones({2, 3}, torch::kBool), part), x_BSD + 1));
  EXPECT_TRUE(torch::equal(answer_seen(x_BSD, torch::zeros({2, 3}, torch::kBool), part), torch::zeros({2, 3, 2})));
  EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace heterodyne::nn::seen_tokens_test
