#include "heterodyne/ops/expert_mlp_pass.h"

#include <gtest/gtest.h>

namespace heterodyne::ops::expert_mlp_pass_test {
namespace {

TEST(ExpertMlpPass, ChunksCoverTheRowsEvenly) {
  for (const int64_t rows : {0, 1, 255, 256, 257, 511, 513, 5000}) {
    int64_t next = 10;
    const auto chunks = internal::chunks_of(10, 10 + rows);
    for (size_t i = 0; i < chunks.size(); ++i) {
      EXPECT_EQ(chunks[i].first, next);
      EXPECT_LE(chunks[i].padded(), internal::kChunk);
      const bool is_last = i + 1 == chunks.size();
      EXPECT_TRUE(is_last || chunks[i].rows % 8 == 0);
      next += chunks[i].rows;
    }
    EXPECT_EQ(next, 10 + rows);
    EXPECT_EQ(static_cast<int64_t>(chunks.size()), (rows + 255) / 256);
  }
}

TEST(ExpertMlpPass, KeepsHiddenValuesOnlyWhenAsked) {
  // Two experts of widths 3 (gated: 6 values a row) and 5 (recomputed: none), two rows and one.
  const auto plan = plan_routing(torch::tensor({{0}, {0}, {1}}, torch::kInt64), 2);
  ExpertMlp gated{Activation::kSilu, torch::ones({3, 4}), torch::ones({4, 3}), torch::ones({3, 4})};
  ExpertMlp recomputed{Activation::kRelu, torch::ones({5, 4}), torch::ones({4, 5})};
  recomputed.is_recomputed = true;
  const auto x_TD = torch::ones({3, 4}), weight_N = torch::ones({3});
  const std::vector<ExpertMlp> experts{gated, recomputed};
  internal::MlpPass pass(x_TD, weight_N, plan, experts, 4);
  EXPECT_FALSE(pass.forward(false).pre.defined());
  const auto output = internal::MlpPass(x_TD, weight_N, plan, experts, 4).forward(true);
  EXPECT_EQ(output.pre.numel(), 12);
  EXPECT_TRUE(torch::equal(output.pre, torch::full({12}, 4.0)));
  EXPECT_TRUE(torch::equal(output.y_TO[2], torch::full({4}, 20.0)));  // five hidden values of 4
}

}  // namespace
}  // namespace heterodyne::ops::expert_mlp_pass_test
