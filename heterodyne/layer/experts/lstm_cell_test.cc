#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::lstm_cell_test {
namespace {

// From the zero state only three gates matter: h = sigmoid(o) tanh(sigmoid(i) tanh(g)).
TEST(LstmCellExpert, IsOneStepFromTheZeroState) {
  const auto expert = experts().make(Member(Table{{"kind", "lstm_cell"}}), ExpertContext{6, 6, 0, {1, "e"}});
  const auto x = fixtures::normal("x", {9, 6});
  const auto p = expert->named_parameters();
  const auto gates = torch::matmul(x, p["cell.input_weight"].t()) + p["cell.input_bias"] + p["cell.hidden_bias"];
  const auto part = [&](int64_t i) { return gates.narrow(1, 6 * i, 6); };
  const auto expected = part(3).sigmoid() * (part(0).sigmoid() * part(2).tanh()).tanh();
  EXPECT_TRUE(torch::allclose(expert->forward({x, torch::arange(9), x.unsqueeze(0), {}, {}}), expected, 1e-5, 1e-6));
}

TEST(LstmCellExpert, CostsWhatDmmoeCounts) {
  const auto expert = experts().make(Member(Table{{"kind", "lstm_cell"}}), ExpertContext{128, 128, 0, {1, "e"}});
  EXPECT_EQ(expert->cost({1, 1, 1}).routed.params, 132096);
  EXPECT_EQ(expert->cost({1, 1, 1}).executed.macs, 131072);
}

}  // namespace
}  // namespace heterodyne::lstm_cell_test
