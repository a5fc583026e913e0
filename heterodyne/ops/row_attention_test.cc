#include "heterodyne/ops/row_attention.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <tuple>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/gradient_check.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::row_attention_test {
namespace {

struct Sizes {
  std::string name;
  int64_t B, S, H, head;
  double asking;  // share of tokens that ask
  bool masked, dropped;
  bool is_causal = false;
};

std::vector<Sizes> sizes() {
  return {{"usual", 3, 16, 4, 32, 0.6, false, false},
          {"dropped", 3, 16, 4, 32, 0.6, false, true},
          {"masked", 4, 7, 2, 5, 0.5, true, true},
          {"odd_widths", 2, 5, 3, 37, 0.7, false, false},
          {"one_token", 1, 1, 1, 3, 1.1, false, false},
          {"nobody_asks", 2, 4, 2, 4, -1, false, false},
          {"everybody_asks", 2, 9, 2, 8, 1.1, false, false},
          {"causal", 3, 8, 2, 6, 0.7, false, true, true},
          {"causal_masked", 4, 7, 2, 5, 0.6, true, false, true},
          {"long", 2, 71, 2, 20, 0.7, false, true},
          {"causal_long", 2, 71, 2, 33, 0.7, true, false, true}};
}

class RowAttentionCases : public testing::TestWithParam<std::tuple<Isa, Sizes>> {
 protected:
  void SetUp() override { set_isa(std::get<Isa>(GetParam())); }
  void TearDown() override { set_isa(before_); }
  static const Sizes& sizes_here() { return std::get<Sizes>(GetParam()); }

 private:
  Isa before_ = isa();
};
INSTANTIATE_TEST_SUITE_P(All, RowAttentionCases,
                         testing::Combine(testing::ValuesIn(available_isas()), testing::ValuesIn(sizes())),
                         [](const auto& test) {
                           return std::string(name_of(std::get<Isa>(test.param))) + "_" +
                                  std::get<Sizes>(test.param).name;
                         });

RowAttentionInput input_of(const Sizes& c, torch::Dtype dtype) {
  const RandomStream stream("attention." + c.name);
  RowAttentionInput in;
  in.num_heads = c.H;
  in.is_causal = c.is_causal;
  in.token_N = (stream.uniform({1, 0}, {c.B * c.S}) < c.asking).nonzero().squeeze(1);
  in.query_ND = stream.normal({1, 1}, {in.token_N.size(0), c.H * c.head}).to(dtype);
  in.key_value_BS2D = stream.normal({1, 2}, {c.B, c.S, 2 * c.H * c.head}).to(dtype);
  if (c.masked) {
    in.mask_BS = stream.uniform({1, 3}, {c.B, c.S}) < 0.6;
    in.mask_BS[0].fill_(false);  // a sequence without a single key
  }
  if (c.dropped) in.keep_NHS = (stream.uniform({1, 4}, {in.token_N.size(0), c.H, c.S}) > 0.2).to(dtype) * 1.25;
  return in;
}

// Plain tensor operations over gathered keys.
torch::Tensor reference(const RowAttentionInput& in) {
  const int64_t N = in.query_ND.size(0), D = in.query_ND.size(1), S = in.key_value_BS2D.size(1), H = in.num_heads;
  const auto sequence = torch::floor_divide(in.token_N, S);
  const auto kv = in.key_value_BS2D.index_select(0, sequence);
  const auto q = in.query_ND.view({N, H, 1, D / H});
  const auto k = kv.narrow(2, 0, D).reshape({N, S, H, D / H}).transpose(1, 2);
  const auto v = kv.narrow(2, D, D).reshape({N, S, H, D / H}).transpose(1, 2);
  auto is_seen_NS = torch::ones({N, S}, torch::kBool);
  if (in.mask_BS.defined()) is_seen_NS = is_seen_NS & in.mask_BS.index_select(0, sequence);
  if (in.is_causal) is_seen_NS = is_seen_NS & (torch::arange(S) <= in.token_N.remainder(S).unsqueeze(1));
  const auto score = (q * k).sum(-1) / std::sqrt(static_cast<double>(D / H));
  auto weights = score.masked_fill(is_seen_NS.unsqueeze(1).logical_not(), -1e30).softmax(-1);
  weights = weights * is_seen_NS.unsqueeze(1);
  if (in.keep_NHS.defined()) weights = weights * in.keep_NHS;
  return (weights.unsqueeze(-1) * v).sum(2).reshape({N, D});
}

TEST_P(RowAttentionCases, EqualsPlainTensorOperations) {
  const auto in64 = input_of(sizes_here(), torch::kFloat64);
  EXPECT_TRUE(torch::allclose(row_attention(in64), reference(in64), 1e-12, 1e-12));
  const auto in32 = input_of(sizes_here(), torch::kFloat32);
  EXPECT_TRUE(torch::allclose(row_attention(in32), reference(in32), 1e-5, 1e-5));
}

TEST_P(RowAttentionCases, TheGradientsAreThoseOfPlainTensorOperations) {
  for (const auto& [dtype, tolerance] : {std::pair{torch::kFloat64, 1e-10}, {torch::kFloat32, 1e-4}}) {
    auto in = input_of(sizes_here(), dtype);
    in.query_ND.requires_grad_();
    in.key_value_BS2D.requires_grad_();
    const auto out = RandomStream("o").normal({1, 0}, in.query_ND.sizes()).to(dtype);
    const auto ours = torch::autograd::grad({(row_attention(in) * out).sum()}, {in.query_ND, in.key_value_BS2D});
    const auto theirs = torch::autograd::grad({(reference(in) * out).sum()}, {in.query_ND, in.key_value_BS2D});
    EXPECT_TRUE(torch::allclose(ours[0], theirs[0], tolerance, 0.01 * tolerance)) << dtype;
    EXPECT_TRUE(torch::allclose(ours[1], theirs[1], tolerance, 0.01 * tolerance)) << dtype;
  }
}

TEST_P(RowAttentionCases, TheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> results;
  for (const int n : {1, 3}) {
    at::set_num_threads(n);
    auto in = input_of(sizes_here(), torch::kFloat32);
    in.key_value_BS2D.requires_grad_();
    results.push_back(torch::autograd::grad({row_attention(in).pow(2).sum()}, {in.key_value_BS2D})[0]);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(results[0], results[1]));
}

// Both fuse products with sums, in the same order.
TEST_P(RowAttentionCases, TheSameBitsInWideAndInNarrowRegisters) {
  if (std::get<Isa>(GetParam()) != Isa::kAvx512) GTEST_SKIP() << "one of the two is enough";
  std::vector<std::vector<torch::Tensor>> results;
  for (const Isa isa : {Isa::kAvx512, Isa::kAvx2}) {
    set_isa(isa);
    auto in = input_of(sizes_here(), torch::kFloat32);
    in.query_ND.requires_grad_();
    in.key_value_BS2D.requires_grad_();
    const auto answer = row_attention(in);
    results.push_back(torch::autograd::grad({answer.pow(2).sum()}, {in.query_ND, in.key_value_BS2D}));
    results.back().push_back(answer.detach());
  }
  for (size_t i = 0; i < results[0].size(); ++i) EXPECT_TRUE(torch::equal(results[0][i], results[1][i])) << i;
}

// Central differences of a smooth function at step 1e-5 agree to about 1e-9.
TEST(RowAttention, GradientsByFiniteDifferences) {
  for (const bool is_causal : {false, true}) {
    const auto in = input_of({"gradient", 2, 3, 2, 2, 0.7, false, true, is_causal}, torch::kFloat64);
    const auto f = [&](const std::vector<torch::Tensor>& inputs) {
      return row_attention({inputs[0], inputs[1], in.token_N, in.mask_BS, in.keep_NHS, in.num_heads, in.is_causal});
    };
    EXPECT_LT(gradient_error(f, {in.query_ND, in.key_value_BS2D}), 1e-7) << is_causal;
  }
}

TEST(RowAttention, RefusesWhatDoesNotFit) {
  auto in = input_of(sizes()[0], torch::kFloat32);
  in.token_N = in.token_N.narrow(0, 0, 1);
  EXPECT_THROW(row_attention(in), ShapeError);
  in = input_of(sizes()[0], torch::kFloat32);
  in.key_value_BS2D = in.key_value_BS2D.narrow(2, 0, 5);
  EXPECT_THROW(row_attention(in), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::row_attention_test
