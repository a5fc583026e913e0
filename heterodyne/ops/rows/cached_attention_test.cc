#include "heterodyne/ops/rows/cached_attention.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::ops::cached_attention_test {
namespace {

torch::Tensor normal(const std::string& name, torch::IntArrayRef sizes) {
  return RandomStream(name).normal({1, static_cast<uint64_t>(sizes.back())}, sizes);
}

struct Sizes {
  int64_t B, H, G, S, P, C, window;
  bool has_sink;
};

CachedAttentionInput input_of(const Sizes& sizes) {
  CachedAttentionInput input;
  input.query_BHSC = normal("query", {sizes.B, sizes.H, sizes.S, sizes.C});
  // Parts of several lengths, keys as they come from a projection: [B, P, G, C] turned.
  const int64_t first = sizes.P / 2;
  const auto key = normal("key", {sizes.B, sizes.P, sizes.G, sizes.C}).transpose(1, 2);
  const auto value = normal("value", {sizes.B, sizes.G, sizes.P, sizes.C});
  for (const auto& [begin, size] : {std::pair(int64_t{0}, first), {first, sizes.P - first}}) {
    input.key_BGPC.push_back(key.narrow(2, begin, size));
    input.value_BGPC.push_back(value.narrow(2, begin, size));
  }
  input.window = sizes.window;
  if (sizes.has_sink) input.sink_H = normal("sink", {sizes.H});
  return input;
}

// From the definition, in float64.
torch::Tensor plain(const CachedAttentionInput& input) {
  const auto query = input.query_BHSC.to(torch::kFloat64);
  const auto key = torch::cat(input.key_BGPC, 2).to(torch::kFloat64);
  const auto value = torch::cat(input.value_BGPC, 2).to(torch::kFloat64);
  const int64_t B = query.size(0), H = query.size(1), S = query.size(2), C = query.size(3), P = key.size(2),
                shared = H / key.size(1);
  auto answer = torch::zeros({B, H, S, C}, torch::kFloat64);
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t h = 0; h < H; ++h) {
      for (int64_t s = 0; s < S; ++s) {
        const int64_t end = P - S + s + 1, first = input.window > 0 ? std::max<int64_t>(0, end - input.window) : 0;
        const auto keys = key[b][h / shared].narrow(0, first, end - first);
        auto score = torch::mv(keys, query[b][h][s]) / std::sqrt(static_cast<double>(C));
        if (input.sink_H.defined()) score = torch::cat({score, input.sink_H[h].view({1}).to(torch::kFloat64)});
        const auto weight = score.softmax(0).narrow(0, 0, end - first);
        answer[b][h][s] = torch::mv(value[b][h / shared].narrow(0, first, end - first).t(), weight);
      }
    }
  }
  return answer;
}

TEST(CachedAttention, IsASoftmaxOverWhatCameBefore) {
  const torch::NoGradGuard no_grad;
  for (const Sizes& sizes :
       {Sizes{1, 1, 1, 1, 1, 1, 0, false}, Sizes{1, 4, 2, 1, 33, 16, 0, false}, Sizes{2, 6, 2, 1, 70, 24, 0, true},
        Sizes{1, 8, 8, 3, 40, 64, 0, false}, Sizes{2, 4, 1, 2, 65, 7, 5, false}, Sizes{1, 32, 8, 1, 200, 64, 33, true},
        Sizes{9, 2, 2, 8, 8, 5, 0, false}}) {
    const auto input = input_of(sizes);
    ASSERT_TRUE(can_run_cached_attention(input));
    const auto found = cached_attention(input);
    EXPECT_TRUE(torch::allclose(found.to(torch::kFloat64), plain(input), 1e-5, 1e-6))
        << sizes.H << " heads, " << sizes.P << " keys";
  }
}

TEST(CachedAttention, GivesTheSameBitsForAnyNumberOfThreads) {
  const torch::NoGradGuard no_grad;
  const int before = at::get_num_threads();
  torch::Tensor first;
  for (const int threads : {1, 2, 7}) {
    at::set_num_threads(threads);
    const auto found = cached_attention(input_of({1, 8, 4, 2, 90, 32, 0, true}));
    if (!first.defined()) first = found;
    EXPECT_TRUE(torch::equal(found, first)) << threads;
  }
  at::set_num_threads(before);
}

TEST(CachedAttention, NotANumberPropagates) {
  const torch::NoGradGuard no_grad;
  auto input = input_of({1, 2, 1, 1, 9, 4, 0, false});
  input.value_BGPC[1] = input.value_BGPC[1].clone();
  input.value_BGPC[1][0][0][2][3] = NAN;
  EXPECT_TRUE(cached_attention(input)[0][0][0][3].isnan().item<bool>());
  input.key_BGPC[0] = input.key_BGPC[0].clone();
  input.key_BGPC[0][0][0][1][2] = NAN;
  EXPECT_TRUE(cached_attention(input)[0][1][0].isnan().all().item<bool>());
}

TEST(CachedAttention, LeavesOtherCasesToOthers) {
  auto input = input_of({1, 2, 1, 1, 9, 4, 0, false});
  EXPECT_FALSE(can_run_cached_attention(input)) << "gradients are recorded";
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(can_run_cached_attention(input));
  input.query_BHSC = normal("query", {1, 2, 9, 4});
  EXPECT_FALSE(can_run_cached_attention(input)) << "many tokens";
  input.query_BHSC = normal("query", {1, 2, 1, 4}).to(torch::kFloat64);
  EXPECT_FALSE(can_run_cached_attention(input));
}

TEST(CachedAttention, NamesWhatDoesNotFit) {
  const torch::NoGradGuard no_grad;
  const auto good = input_of({1, 4, 2, 1, 9, 4, 0, false});
  auto input = good;
  input.value_BGPC.pop_back();
  EXPECT_THROW(cached_attention(input), ShapeError);
  input = good;
  input.value_BGPC[0] = torch::zeros({1, 2, 3, 4});
  EXPECT_THROW(cached_attention(input), ShapeError);
  input = good;
  input.query_BHSC = torch::zeros({1, 3, 1, 4});
  EXPECT_THROW(cached_attention(input), ShapeError) << "three heads cannot share two";
  input = good;
  input.sink_H = torch::zeros({3});
  EXPECT_THROW(cached_attention(input), ShapeError);
  input = good;
  input.key_BGPC.assign(1, torch::zeros({1, 2, 0, 4}));
  input.value_BGPC = input.key_BGPC;
  EXPECT_THROW(cached_attention(input), ShapeError) << "no key for the token itself";
}

}  // namespace
}  // namespace heterodyne::ops::cached_attention_test
