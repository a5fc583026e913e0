#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::conv2d_test {
namespace {

constexpr int64_t B = 2, D = 6;

std::shared_ptr<Expert> conv2d(Table settings = {}) {
  settings.set("kind", "conv2d");
  return experts().make(Member(settings), ExpertContext{D, D, 0, {7, "layers.0.experts.1"}});
}

// The library's convolution over the whole grid, at every token.
torch::Tensor over_the_grid(const Expert& expert, const torch::Tensor& x_BSD, int64_t columns, int64_t K) {
  const auto p = expert.named_parameters();
  const int64_t S = x_BSD.size(1), channels = p["conv.weight"].size(0);
  const auto image = x_BSD.view({B, S / columns, columns, D}).permute({0, 3, 1, 2});
  const auto kernel = p["conv.weight"].view({channels, K, K, D}).permute({0, 3, 1, 2});
  const auto seen = at::conv2d(image, kernel, p["conv.bias"], at::IntArrayRef{1, 1}, at::IntArrayRef{K / 2, K / 2});
  const auto hidden = at::gelu(seen).permute({0, 2, 3, 1}).reshape({B * S, channels});
  return x_BSD.view({B * S, D}) + torch::matmul(hidden, p["up.weight"].t()) + p["up.bias"];
}

TEST(Conv2dExpert, EqualsTheConvolutionOverTheGrid) {
  for (const auto& [S, columns, kernel] : {std::tuple<int64_t, int64_t, int64_t>{16, 0, 3}, {12, 6, 5}, {10, 1, 3}}) {
    const auto expert = conv2d({{"channels", 7}, {"kernel", kernel}, {"columns", columns}});
    const auto x_BSD = fixtures::normal("x", {B, S, D});
    const auto token_N = torch::tensor({0, 3, 9, 12, 19}, torch::kInt64);
    const auto rows = x_BSD.view({B * S, D}).index_select(0, token_N);
    const auto expected = over_the_grid(*expert, x_BSD, columns > 0 ? columns : 4, kernel).index_select(0, token_N);
    EXPECT_TRUE(torch::allclose(expert->forward({rows, token_N, x_BSD, {}, {}}), expected, 1e-5, 1e-5)) << S;
  }
}

TEST(Conv2dExpert, PaddingIsLikeTheEdge) {
  const auto expert = conv2d();
  auto x_BSD = fixtures::normal("x", {B, 9, D});
  auto mask_BS = torch::ones({B, 9}, torch::kBool);
  mask_BS.select(1, 8).fill_(false);
  const auto token_N = torch::tensor({4, 7}, torch::kInt64);
  const auto answer = [&](const torch::Tensor& x, const torch::Tensor& mask) {
    return expert->forward({x.view({B * 9, D}).index_select(0, token_N), token_N, x, mask, {}});
  };
  auto zeros_BSD = x_BSD.clone();
  zeros_BSD.select(1, 8).zero_();
  x_BSD.select(1, 8).fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(torch::equal(answer(x_BSD, mask_BS), answer(zeros_BSD, {})));
}

TEST(Conv2dExpert, GridsThatDoNotFitAreRefused) {
  const auto message = [](Table settings, int64_t S) {
    return fixtures::message_of<ShapeError>(
        [&] { conv2d(settings)->forward({torch::zeros({1, D}), torch::arange(1), torch::zeros({1, S, D}), {}, {}}); });
  };
  EXPECT_EQ(message({}, 10),
            "[layers.0.experts.1 conv2d] x_BSD: expected a square number of tokens, got 10; set columns");
  EXPECT_EQ(message({{"columns", 4}}, 10),
            "[layers.0.experts.1 conv2d] x_BSD: expected a multiple of columns = 4 tokens, got 10");
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { conv2d({{"kernel", 2}}); }),
            "[expert.conv2d] kernel: expected an odd number, got 2");
}

TEST(Conv2dExpert, CostsItsRowsAlone) {
  const auto cost = conv2d({{"channels", 5}})->cost({10, 16, 16});
  EXPECT_EQ(cost.routed.macs, 10 * (9 * D * 5 + 5 * D));
  EXPECT_EQ(cost.executed.macs, cost.routed.macs);
  EXPECT_EQ(cost.routed.params, 9 * D * 5 + 5 + 5 * D + D);
}

}  // namespace
}  // namespace heterodyne::conv2d_test
