#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::simplicity_test {
namespace {

torch::Tensor loss_of(const torch::Tensor& embedding_EP) {
  const auto routing = make_routing({torch::zeros({1, 1}, torch::kInt64), torch::ones({1, 1}), {}, {}},
                                    {torch::zeros({1, 1}), 1, 1, {}, {}, {}}, embedding_EP.size(0));
  BalanceInput input(routing);
  input.embedding_EP = embedding_EP;
  return balancers().make(Member(Table{{"kind", "simplicity"}}))->loss(input);
}

// Lengths 5, 1 and 0, of experts without tokens too.
TEST(Simplicity, IsTheMeanLengthOfAllExperts) {
  const auto embedding_EP = torch::tensor({{3.0, 4.0}, {0.0, -1.0}, {0.0, 0.0}}, torch::kFloat64).requires_grad_();
  const auto loss = loss_of(embedding_EP);
  EXPECT_NEAR(loss.item<double>(), 2, 1e-12);
  const auto expected = torch::tensor({{.6, .8}, {0.0, -1.0}, {0.0, 0.0}}, torch::kFloat64) / 3;
  EXPECT_TRUE(torch::allclose(torch::autograd::grad({loss}, {embedding_EP})[0], expected))
      << "the gradient of no length is none";
}

}  // namespace
}  // namespace heterodyne::simplicity_test
