#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::importance_test {
namespace {

double loss_of(const char* variance) {
  // Weights summed by expert: (4, 2, 1, 1).
  const auto expert_TK = torch::tensor({{0, 1}, {0, 2}, {3, -1}}, torch::kInt64);
  const auto weight_TK = torch::tensor({{3.0, 2.0}, {1.0, 1.0}, {1.0, 9.0}}, torch::kFloat64);
  const auto routing = make_routing({expert_TK, weight_TK, {}, {}}, {torch::zeros({3, 1}), 1, 3, {}, {}, {}}, 4);
  return balancers().make(Member(Table{{"kind", "importance"}, {"variance", variance}}))->loss(routing).item<double>();
}

TEST(Importance, AHandWorkedValue) {
  EXPECT_NEAR(loss_of("population"), 0.375, 1e-9);
  EXPECT_NEAR(loss_of("sample"), 0.5, 1e-9);
}

}  // namespace
}  // namespace heterodyne::importance_test
