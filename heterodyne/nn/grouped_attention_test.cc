#include "heterodyne/nn/grouped_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "heterodyne/base/error.h"

namespace heterodyne::nn::grouped_attention_test {
namespace {

torch::Tensor rows(const std::string& name, torch::IntArrayRef sizes) {
  return RandomStream(name).normal({1, 0}, sizes);
}

Rotation positions(int64_t first, int64_t S, int64_t C) {
  return rotation_of(rotary_angles({C}), first, S, torch::kFloat32);
}

// A head's answer from its definition: a softmax over the keys up to the token's own, one token after the other.
torch::Tensor from_definition(const GroupedAttention& attention, const GroupedAttentionOptions& options,
                              const torch::Tensor& x_SD) {
  const auto p = attention.named_parameters();
  const int64_t S = x_SD.size(0), H = options.heads, G = options.kv_heads, C = options.head_width;
  const auto part = [&](const char* name, int64_t heads) {
    return torch::matmul(x_SD, p[std::string(name) + ".weight"].t()).view({1, S, heads, C});
  };
  const auto query = rotated(part("query", H), positions(0, S, C)), key = rotated(part("key", G), positions(0, S, C)),
             value = part("value", G);
  auto answer = torch::zeros({S, H * C});
  for (int64_t s = 0; s < S; ++s) {
    for (int64_t h = 0; h < H; ++h) {
      const int64_t g = h / (H / G);
      auto weight = torch::empty({s + 1});
      for (int64_t t = 0; t <= s; ++t) weight[t] = query[0][s][h].dot(key[0][t][g]) / std::sqrt(static_cast<double>(C));
      weight = weight.softmax(0);
      for (int64_t t = 0; t <= s; ++t) answer[s].narrow(0, h * C, C) += weight[t] * value[0][t][g];
    }
  }
  return torch::matmul(answer, p["output.weight"].t());
}

TEST(GroupedAttention, IsASoftmaxOverWhatCameBefore) {
  const torch::NoGradGuard no_grad;
  for (const int64_t kv_heads : {1, 2, 4}) {
    const GroupedAttentionOptions options{12, 4, kv_heads, 6};
    const GroupedAttention attention(options, {1, "attention"});
    const auto x_BSD = rows("x", {2, 5, 12});
    const auto y_BSD = attention.forward(x_BSD, positions(0, 5, 6)).y_BSD;
    for (int64_t b = 0; b < 2; ++b) {
      EXPECT_TRUE(torch::allclose(y_BSD[b], from_definition(attention, options, x_BSD[b]), 1e-4, 1e-5))
          << kv_heads << " key heads";
    }
  }
}

TEST(GroupedAttention, GoesOnFromThePast) {
  const GroupedAttention attention({12, 4, 2, 6}, {1, "attention"});
  const auto x_BSD = rows("x", {2, 7, 12});
  const auto whole = attention.forward(x_BSD, positions(0, 7, 6));
  AttentionPast past;
  std::vector<torch::Tensor> parts;
  for (const auto& [begin, length] : {std::pair<int64_t, int64_t>(0, 3), {3, 1}, {4, 3}}) {
    const auto part = attention.forward(x_BSD.narrow(1, begin, length), positions(begin, length, 6), {}, past);
    parts.push_back(part.y_BSD);
    past = part.past;
  }
  EXPECT_TRUE(torch::allclose(torch::cat(parts, 1), whole.y_BSD, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(past.key_BGPC.joined(2), whole.past.key_BGPC.joined(2), 1e-5, 1e-6));
}

// What a masked token holds changes no answer but its own.
TEST(GroupedAttention, SeesNoPadding) {
  const GroupedAttention attention({12, 4, 2, 6}, {1, "attention"});
  const auto x_BSD = rows("x", {2, 5, 12});
  auto other = x_BSD.clone();
  other[1][0].fill_(9), other[1][2].fill_(-9);
  auto mask_BS = torch::ones({2, 5}, torch::kBool);
  mask_BS[1][0] = false, mask_BS[1][2] = false;
  const auto a = attention.forward(x_BSD, positions(0, 5, 6), mask_BS).y_BSD;
  const auto b = attention.forward(other, positions(0, 5, 6), mask_BS).y_BSD;
  EXPECT_TRUE(torch::isfinite(a).all().item<bool>());
  const auto kept = mask_BS.unsqueeze(2);
  EXPECT_TRUE(torch::allclose(a * kept, b * kept, 1e-5, 1e-6));
  EXPECT_FALSE(torch::allclose(a, attention.forward(x_BSD, positions(0, 5, 6)).y_BSD, 1e-3, 1e-3));
}

// 4 heads of 6 and 2 of keys and values on a width of 12: 24 x 12 twice and 12 x 12 twice; 2 x 24 for each key seen.
TEST(GroupedAttention, CountsItsCost) {
  EXPECT_EQ(GroupedAttention({12, 4, 2, 6}, {1, "attention"}).macs(10), 2 * 24 * 12 + 2 * 12 * 12 + 2 * 24 * 10);
}

GroupedAttentionOptions with(const std::function<void(GroupedAttentionOptions&)>& change) {
  GroupedAttentionOptions options{12, 4, 2, 6};
  change(options);
  return options;
}

// A token sees its own key and the one before it.
TEST(GroupedAttention, SeesAWindow) {
  const GroupedAttention attention(with([](auto& o) { o.window = 2; }), {1, "attention"});
  const auto x_BSD = rows("x", {1, 5, 12});
  auto other = x_BSD.clone();
  other[0][0].fill_(9);
  const auto changed =
      (attention.forward(x_BSD, positions(0, 5, 6)).y_BSD - attention.forward(other, positions(0, 5, 6)).y_BSD)[0]
          .abs()
          .amax(-1);
  EXPECT_GT(changed[1].item<double>(), 1e-3);
  EXPECT_EQ(changed.narrow(0, 2, 3).max().item<double>(), 0);
}

// A sink that outweighs all keys leaves nothing of the answers, one that weighs nothing leaves them as they were.
TEST(GroupedAttention, ScoresSink) {
  const GroupedAttention plain({12, 4, 2, 6}, {1, "attention"});
  const GroupedAttention attention(with([](auto& o) { o.sinks = true; }), {1, "attention"});
  const auto x_BSD = rows("x", {2, 5, 12});
  const auto answer = [&](double sink) {
    const torch::NoGradGuard no_grad;
    attention.named_parameters()["sinks"].fill_(sink);
    return attention.forward(x_BSD, positions(0, 5, 6)).y_BSD;
  };
  EXPECT_LT(answer(100).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(torch::allclose(answer(-100), plain.forward(x_BSD, positions(0, 5, 6)).y_BSD, 1e-5, 1e-6));
}

// Queries and keys of any length count alike once they are normalised.
TEST(GroupedAttention, NormalisesQueriesAndKeys) {
  for (const std::string norm : {"head", "row"}) {
    const GroupedAttention attention(with([&](auto& o) { o.query_norm = norm; }), {1, "attention"});
    const auto x_BSD = rows("x", {1, 5, 12});
    const auto before = attention.forward(x_BSD, positions(0, 5, 6)).y_BSD;
    const torch::NoGradGuard no_grad;
    attention.named_parameters()["query.weight"].mul_(7);
    attention.named_parameters()["key.weight"].mul_(0.5);
    EXPECT_TRUE(torch::allclose(attention.forward(x_BSD, positions(0, 5, 6)).y_BSD, before, 1e-4, 1e-4)) << norm;
    EXPECT_EQ(attention.named_parameters()["query_norm.weight"].numel(), norm == "head" ? 6 : 24);
  }
}

TEST(GroupedAttention, HasBiasesWhereAsked) {
  const auto biased = with([](auto& o) { o.qkv_bias = true, o.output_bias = true; });
  EXPECT_EQ(GroupedAttention(biased, {1, "attention"}).parameters().size(), 8U);
  EXPECT_EQ(GroupedAttention({12, 4, 2, 6}, {1, "attention"}).parameters().size(), 4U);
}

TEST(GroupedAttention, AWindowAndSinksGoOnPieceByPiece) {
  const auto options = with([](auto& o) { o.window = 3, o.sinks = true; });
  const GroupedAttention attention(options, {1, "attention"});
  const auto x_BSD = rows("x", {2, 7, 12});
  const auto whole = attention.forward(x_BSD, positions(0, 7, 6)).y_BSD;
  AttentionPast past;
  std::vector<torch::Tensor> parts;
  for (int64_t at = 0; at < 7; ++at) {
    const auto part = attention.forward(x_BSD.narrow(1, at, 1), positions(at, 1, 6), {}, past);
    parts.push_back(part.y_BSD);
    past = part.past;
  }
  EXPECT_TRUE(torch::allclose(torch::cat(parts, 1), whole, 1e-5, 1e-6));
}

TEST(GroupedAttention, RefusesWhatDoesNotFit) {
  EXPECT_THROW(GroupedAttention({12, 4, 3, 6}, {1, "attention"}), ConfigError);
  const GroupedAttention attention({12, 4, 2, 6}, {1, "attention"});
  EXPECT_THROW(attention.forward(torch::zeros({2, 5, 11}), positions(0, 5, 6)), ShapeError);
  EXPECT_EQ(attention.forward(torch::zeros({0, 5, 12}), positions(0, 5, 6)).y_BSD.size(0), 0);
}

}  // namespace
}  // namespace heterodyne::nn::grouped_attention_test
