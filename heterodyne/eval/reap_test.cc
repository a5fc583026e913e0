#include "heterodyne/eval/reap.h"

#include <gtest/gtest.h>

#include "heterodyne/data/dataset.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::reap_test {
namespace {

// Experts that answer every token with the same vector: an expert's score is its length times its mean weight, and each
// of four experts chosen in turn, two for a token, weighs a half.
TEST(Reap, IsTheMeanOfWeightTimesLength) {
  const auto dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 10}, {"size", 16}, {"classes", 4}}),
      DataContext{{}, 0.2, {}});
  const Table moe{{"router", Table{{"kind", "round_robin"}, {"k", 2}}},
                  {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 4}}}}};
  const auto network = networks().make(Member(Table{{"kind", "dmmoe"}, {"width", 4}, {"moe", moe}}),
                                       NetworkContext{dataset->shape(), 1});
  {
    const torch::NoGradGuard no_grad;
    for (auto& value : network->named_parameters()) {
      if (value.key().find(".down.weight") != std::string::npos) value->zero_();
      // Of expert e: (e, e, e, e), of length 2 e.
      for (int64_t e = 0; e < 4; ++e) {
        if (value.key() == "layers.0.experts." + std::to_string(e) + ".down.bias") value->fill_(static_cast<double>(e));
      }
    }
  }
  Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 4});
  network->train();
  const auto scores = reap_scores(*network, loader, {});
  ASSERT_EQ(scores.size(), 1U);
  for (size_t e = 0; e < 4; ++e) EXPECT_NEAR(scores[0][e], static_cast<double>(e), 1e-6);
  EXPECT_TRUE(network->is_training()) << "its mode is restored";
}

}  // namespace
}  // namespace heterodyne::reap_test
