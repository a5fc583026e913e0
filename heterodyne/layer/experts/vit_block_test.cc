#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::vit_block_test {
namespace {

constexpr int64_t B = 5, S = 16, D = 128, H = 4;

std::shared_ptr<Expert> block(double dropout = 0, bool causal = false) {
  return experts().make(Member(Table{{"kind", "vit_block"}, {"dropout", dropout}, {"causal", causal}}),
                        ExpertContext{D, D, 0, {7, "layers.0.experts.2"}});
}

// The same block over every token, from the library's own operators.
torch::Tensor dense_block(const Expert& expert, const torch::Tensor& x_BSD, bool causal = false) {
  const auto p = expert.named_parameters();
  const auto linear = [&](const torch::Tensor& x, const std::string& name) {
    return at::linear(x, p[name + ".weight"], p[name + ".bias"]);
  };
  const auto norm = [&](const torch::Tensor& x, const std::string& name) {
    return at::layer_norm(x, {D}, p[name + ".weight"], p[name + ".bias"], 1e-5);
  };
  const auto heads = [&](const torch::Tensor& x) { return x.reshape({B, S, H, D / H}).transpose(1, 2); };
  const auto a = norm(x_BSD, "attention_norm");
  const auto kv = linear(a, "attention.key_value");
  const auto attended = at::scaled_dot_product_attention(heads(linear(a, "attention.query")), heads(kv.narrow(2, 0, D)),
                                                         heads(kv.narrow(2, D, D)), {}, 0, causal);
  const auto x = x_BSD + linear(attended.transpose(1, 2).reshape({B, S, D}), "attention.output");
  return x + linear(at::gelu(linear(norm(x, "feed_forward_norm"), "up")), "down");
}

TEST(VitBlockExpert, SaysWhichExpertGotWhatItDoesNotTake) {
  const auto turned = fixtures::normal("x", {D, S, 64});
  EXPECT_EQ(fixtures::message_of<ShapeError>(
                [&] { block()->forward({torch::zeros({2, D}), torch::arange(2), turned, {}, {}}); }),
            "[layers.0.experts.2 vit_block] x_BSD: expected [B, S, D = 128], got [128, 16, 64]");
}

TEST(VitBlockExpert, EqualsTheDenseBlock) {
  const auto expert = block();
  const auto x_BSD = fixtures::normal("x", {B, S, D});
  const auto expected = dense_block(*expert, x_BSD).reshape({B * S, D});
  const auto x_TD = x_BSD.reshape({B * S, D});
  EXPECT_TRUE(torch::allclose(expert->forward({x_TD, torch::arange(B * S), x_BSD, {}, {}}), expected, 1e-5, 1e-5));
  const auto token_N = torch::tensor({3, 17, 40, 41, 79}, torch::kInt64);
  const auto some = expert->forward({x_TD.index_select(0, token_N), token_N, x_BSD, {}, {}});
  EXPECT_TRUE(torch::allclose(some, expected.index_select(0, token_N), 1e-5, 1e-5));
}

TEST(VitBlockExpert, CostsWhatDmmoeCounts) {
  const auto cost = block()->cost({10, 16, 16});
  EXPECT_EQ(cost.routed.params, 132480);
  EXPECT_EQ(cost.routed.macs, 10 * 135168.0);
  // Ten rows ask (query, output, scores, feed-forward), sixteen tokens answer (key and value).
  EXPECT_EQ(cost.executed.macs, 10 * (135168.0 - 32768) + 16 * 32768.0);
}

TEST(VitBlockExpert, DropoutActsInTrainingOnly) {
  const auto expert = block(0.5);
  const auto x_BSD = fixtures::normal("x", {B, S, D});
  const ExpertInput input{x_BSD.reshape({B * S, D}), torch::arange(B * S), x_BSD, {}, {1, 1}};
  EXPECT_FALSE(torch::allclose(expert->forward(input), dense_block(*expert, x_BSD).reshape({B * S, D}), 1e-3, 1e-3));
  expert->eval();
  EXPECT_TRUE(torch::allclose(expert->forward(input), dense_block(*expert, x_BSD).reshape({B * S, D}), 1e-5, 1e-5));
}

TEST(VitBlockExpert, IsCausalWhenAskedToBe) {
  EXPECT_FALSE(block()->is_causal());
  EXPECT_TRUE(block()->needs_context());
  const auto expert = block(0, true);
  EXPECT_TRUE(expert->is_causal());
  const auto x_BSD = fixtures::normal("x", {B, S, D});
  const auto expected = dense_block(*expert, x_BSD, true).reshape({B * S, D});
  const auto token_N = torch::tensor({0, 3, 17, 40, 79}, torch::kInt64);
  const auto rows = x_BSD.reshape({B * S, D}).index_select(0, token_N);
  EXPECT_TRUE(
      torch::allclose(expert->forward({rows, token_N, x_BSD, {}, {}}), expected.index_select(0, token_N), 1e-5, 1e-5));
}

// The second half of each sequence, given the first; the last token is padding.
TEST(VitBlockExpert, ATextIsContinued) {
  const auto expert = block(0, true);
  const auto x_BSD = fixtures::normal("x", {B, S, D});
  const auto expected = dense_block(*expert, x_BSD, true).narrow(1, S / 2, S / 2);
  const auto rest_BSD = x_BSD.narrow(1, S / 2, S / 2).contiguous();
  auto mask_BS = torch::ones({B, S / 2}, torch::kBool);
  mask_BS.select(1, S / 2 - 1).fill_(false);
  const ExpertInput input{rest_BSD.view({-1, D}),   torch::arange(B * S / 2), rest_BSD, mask_BS, {},
                          x_BSD.narrow(1, 0, S / 2)};
  const auto y_BSD = expert->forward(input).view({B, S / 2, D});
  EXPECT_TRUE(torch::allclose(y_BSD.narrow(1, 0, S / 2 - 1), expected.narrow(1, 0, S / 2 - 1), 1e-5, 1e-5));
}

}  // namespace
}  // namespace heterodyne::vit_block_test
